import { useState } from 'react'
import type { Appointment, Clinic, useAppointments } from '../../chairtime'
import { clockTime, longDay } from '../format'
import { Dialog } from '../ui/Dialog'
import { Button, ErrorNotice, Notice } from '../ui/parts'

interface Props {
  cancel: ReturnType<typeof useAppointments>['cancel']
  appointment: Appointment
  clinic: Clinic
  type: string
  onClose(): void
}

/** Asks before a patient's appointment is cancelled. */
export function CancelDialog({ appointment, clinic, type, cancel, onClose }: Props) {
  const [reason, setReason] = useState('')
  return (
    <Dialog title={`Cancel this ${type.toLowerCase()}?`} onClose={onClose}>
      <Notice tone="warn">
        {longDay(appointment.starts_at, clinic.time_zone)} at{' '}
        {clockTime(appointment.starts_at, clinic.time_zone)} will be free for others at once.
      </Notice>
      <label className="field">
        <span>Reason</span>
        <input
          className="input"
          value={reason}
          maxLength={300}
          placeholder="Optional"
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      <ErrorNotice error={cancel.error} />
      <div className="actions">
        <Button className="quiet" onClick={onClose}>
          Keep it
        </Button>
        <Button
          className="danger solid"
          busy={cancel.isPending}
          onClick={() => cancel.mutate({ appointment, reason }, { onSuccess: onClose })}
        >
          Cancel appointment
        </Button>
      </div>
    </Dialog>
  )
}
