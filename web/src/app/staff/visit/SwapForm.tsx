import { useState } from 'react'
import { epoch } from '../../../chairtime'
import { clockTime } from '../../format'
import { Button, ErrorNotice } from '../../ui/parts'
import { isMovable } from '../board/useMoving'
import type { PaneProps } from './AppointmentDialog'

/** Two visits of a day change places. */
export function SwapForm({ appointment, day, actions, onBack, onClose }: PaneProps) {
  const { swap } = actions
  const others = day.dentists
    .flatMap((dentist) => dentist.appointments.map((row) => ({ row, dentist: dentist.full_name })))
    .filter(({ row }) => isMovable(row) && row.id !== appointment.id)
    .toSorted((a, b) => epoch(a.row.starts_at) - epoch(b.row.starts_at))
  const [picked, setPicked] = useState('')
  const other = others.find(({ row }) => row.id === picked)?.row
  if (others.length === 0) {
    return (
      <div className="stack">
        <p className="muted">There is no other booked appointment on this day to change places with.</p>
        <div className="actions">
          <Button className="quiet" onClick={onBack}>
            Back
          </Button>
        </div>
      </div>
    )
  }
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        if (other) swap.mutate({ appointment, other }, { onSuccess: onClose })
      }}
    >
      <label className="field">
        <span>Change places with</span>
        <select className="input" required value={picked} onChange={(event) => setPicked(event.target.value)}>
          <option value="">Choose…</option>
          {others.map(({ row, dentist }) => (
            <option key={row.id} value={row.id}>
              {clockTime(row.starts_at, day.time_zone)} {row.patient_name}, {dentist}
            </option>
          ))}
        </select>
      </label>
      <p className="muted small-text">Each keeps its own length. Both move, or neither.</p>
      <ErrorNotice error={swap.error} />
      <div className="actions">
        <Button className="quiet" onClick={onBack}>
          Back
        </Button>
        <Button type="submit" className="primary" busy={swap.isPending} disabled={!other}>
          Swap
        </Button>
      </div>
    </form>
  )
}
