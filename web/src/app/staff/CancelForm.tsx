import { useState } from 'react'
import type { DayAppointment, useClinicDay } from '../../chairtime'
import { Button, ErrorNotice } from '../ui/parts'

interface Props {
  appointment: DayAppointment
  setStatus: ReturnType<typeof useClinicDay>['setStatus']
  onBack(): void
  onClose(): void
}

/** Asks why before an appointment is cancelled. */
export function CancelForm({ appointment, setStatus, onBack, onClose }: Props) {
  const [reason, setReason] = useState('')
  return (
    <div className="stack">
      <label className="field">
        <span>Why is it cancelled?</span>
        <input
          className="input"
          value={reason}
          maxLength={300}
          placeholder="Optional; the patient sees it"
          onChange={(event) => setReason(event.target.value)}
        />
      </label>
      <ErrorNotice error={setStatus.error} />
      <div className="actions">
        <Button className="quiet" onClick={onBack}>
          Back
        </Button>
        <Button
          className="danger solid"
          busy={setStatus.isPending}
          onClick={() =>
            setStatus.mutate({ appointment, status: 'cancelled', reason }, { onSuccess: onClose })
          }
        >
          Cancel appointment
        </Button>
      </div>
    </div>
  )
}
