import { useState } from 'react'
import { epoch } from '../../../chairtime'
import { clockTime, duration } from '../../format'
import { Button, ErrorNotice } from '../../ui/parts'
import type { PaneProps } from './AppointmentDialog'

const MINUTE = 60_000

/** Longer or shorter; the start stays. */
export function LengthForm({ appointment, day, actions, onBack, onClose }: PaneProps) {
  const { resize } = actions
  const start = epoch(appointment.starts_at)
  const before = (epoch(appointment.ends_at) - start) / MINUTE
  const [minutes, setMinutes] = useState(String(before))
  const endsAt = new Date(start + (Number(minutes) || 0) * MINUTE).toISOString()
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        resize.mutate({ appointment, endsAt }, { onSuccess: onClose })
      }}
    >
      <label className="field">
        <span>Minutes</span>
        <input
          className="input"
          type="number"
          required
          min={1}
          max={720}
          value={minutes}
          onChange={(event) => setMinutes(event.target.value)}
        />
      </label>
      <div className="toolbar" role="group" aria-label="Change by">
        {[-15, -5, 5, 15].map((by) => (
          <Button
            key={by}
            className="small num"
            disabled={Number(minutes) + by < 1}
            onClick={() => setMinutes(String(Number(minutes) + by))}
          >
            {by > 0 ? `+${by}` : `−${-by}`} min
          </Button>
        ))}
      </div>
      <p className="muted num">
        Until {clockTime(endsAt, day.time_zone)} ({duration(Number(minutes) * MINUTE)}), now until{' '}
        {clockTime(appointment.ends_at, day.time_zone)}.
      </p>
      <ErrorNotice error={resize.error} />
      <div className="actions">
        <Button className="quiet" onClick={onBack}>
          Back
        </Button>
        <Button
          type="submit"
          className="primary"
          busy={resize.isPending}
          disabled={Number(minutes) === before}
        >
          Save length
        </Button>
      </div>
    </form>
  )
}
