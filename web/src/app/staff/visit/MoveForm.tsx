import { useState } from 'react'
import { leadersOf, useAppointmentTypes, useDentistTypes } from '../../data'
import { dayOf, instantAt, nearTime, timeInput } from '../../format'
import { Button, ErrorNotice } from '../../ui/parts'
import { FreeTimes } from '../booking/FreeTimes'
import type { PaneProps } from './AppointmentDialog'

/** Another time or dentist, from those that are free for it; or a time that one says. */
export function MoveForm({ appointment, day: board, actions: { move }, onBack, onClose }: PaneProps) {
  const zone = board.time_zone
  const [dentistId, setDentistId] = useState(appointment.dentist_id)
  const [day, setDay] = useState(dayOf(appointment.starts_at, zone))
  const [startsAt, setStartsAt] = useState(appointment.starts_at)
  const type = useAppointmentTypes(board.clinic_id).data?.find(
    ({ id }) => id === appointment.appointment_type_id,
  )
  const dentists = board.dentists.map((dentist) => ({ ...dentist, id: dentist.dentist_id }))
  const leaders = leadersOf(
    dentists.filter(({ is_active }) => is_active),
    useDentistTypes(board.clinic_id).data,
    appointment.appointment_type_id,
  )
  const own = dentists.filter(({ id }) => id === appointment.dentist_id)
  const choices = [...new Set([...leaders, ...own])]
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        move.mutate({ appointment, dentistId, startsAt }, { onSuccess: onClose })
      }}
    >
      <label className="field">
        <span>Dentist</span>
        <select className="input" value={dentistId} onChange={(event) => setDentistId(event.target.value)}>
          {choices.map(({ id, full_name }) => (
            <option key={id} value={id}>
              {full_name}
            </option>
          ))}
        </select>
      </label>
      {type && (
        <FreeTimes
          type={type}
          dentistId={dentistId}
          leaderIds={leaders.map(({ id }) => id)}
          zone={zone}
          day={day}
          onDay={(next) => {
            setDay(next)
            setStartsAt(instantAt(next, timeInput(startsAt, zone), zone))
          }}
          appointmentId={appointment.id}
          picked={startsAt}
          onPick={(slot) => setStartsAt(slot.starts_at)}
        />
      )}
      <label className="field">
        <span>Time</span>
        <input
          className="input"
          type="time"
          required
          value={timeInput(startsAt, zone)}
          onChange={(event) => event.target.value && setStartsAt(instantAt(day, event.target.value, zone))}
        />
      </label>
      <ErrorNotice error={move.error} />
      <div className="actions">
        <Button className="quiet" onClick={onBack}>
          Back
        </Button>
        <Button type="submit" className="primary" busy={move.isPending}>
          Move <span className="num">to {nearTime(startsAt, zone)}</span>
        </Button>
      </div>
    </form>
  )
}
