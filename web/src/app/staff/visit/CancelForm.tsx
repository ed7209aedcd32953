import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useChairtime } from '../../../chairtime'
import { Button, ErrorNotice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import type { PaneProps } from './AppointmentDialog'

/** Asks why before an appointment is cancelled; one of a series, with those after it if that is meant. */
export function CancelForm({ appointment, actions: { setStatus, refresh }, onBack, onClose }: PaneProps) {
  const [reason, setReason] = useState('')
  const rest = useCancelRest(appointment, () => {
    refresh()
    onClose()
  })
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
      <ErrorNotice error={setStatus.error ?? rest.error} />
      <div className="actions">
        <Button className="quiet" onClick={onBack}>
          Back
        </Button>
        {appointment.series_id && (
          <Button className="danger" busy={rest.isPending} onClick={() => rest.mutate()}>
            This and all later ones
          </Button>
        )}
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

/** Cancels what is ahead of a series, from one of its visits on. */
function useCancelRest({ series_id, starts_at }: PaneProps['appointment'], onDone: () => void) {
  const client = useChairtime()
  const say = useToast()
  return useMutation({
    mutationFn: () => client.rpc('cancel_series', { series_id: series_id ?? '', from_time: starts_at }),
    onSuccess: ({ appointments, refused }) => {
      const kept = refused.length > 0 ? ` ${refused.length} stayed as they were.` : ''
      say(
        `${appointments.length === 1 ? '1 visit is' : `${appointments.length} visits are`} cancelled.${kept}`,
      )
      onDone()
    },
  })
}
