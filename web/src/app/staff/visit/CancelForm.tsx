import { useState } from 'react'
import { Button, ErrorNotice } from '../../ui/parts'
import type { PaneProps } from './AppointmentDialog'

/** Asks why before an appointment is cancelled. */
export function CancelForm({ appointment, actions: { setStatus }, onBack, onClose }: PaneProps) {
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
