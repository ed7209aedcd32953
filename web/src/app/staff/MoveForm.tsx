import type { DayAppointment, DayDentist, useClinicDay } from '../../chairtime'
import { dayOf, instantAt, timeInput } from '../format'
import { Button, ErrorNotice } from '../ui/parts'

interface Props {
  appointment: DayAppointment
  dentists: DayDentist[]
  zone: string
  move: ReturnType<typeof useClinicDay>['move']
  onBack(): void
  onClose(): void
}

/** Another time or dentist, for those who do not drag. */
export function MoveForm({ appointment, dentists, zone, move, onBack, onClose }: Props) {
  const submit = (form: FormData) =>
    move.mutate(
      {
        appointment,
        dentistId: String(form.get('dentist')),
        startsAt: instantAt(String(form.get('day')), String(form.get('time')), zone),
      },
      { onSuccess: onClose },
    )
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        submit(new FormData(event.currentTarget))
      }}
    >
      <label className="field">
        <span>Dentist</span>
        <select className="input" name="dentist" defaultValue={appointment.dentist_id}>
          {dentists
            .filter((each) => each.is_active || each.dentist_id === appointment.dentist_id)
            .map(({ dentist_id, full_name }) => (
              <option key={dentist_id} value={dentist_id}>
                {full_name}
              </option>
            ))}
        </select>
      </label>
      <div className="cols">
        <label className="field">
          <span>Day</span>
          <input
            className="input"
            type="date"
            name="day"
            required
            defaultValue={dayOf(appointment.starts_at, zone)}
          />
        </label>
        <label className="field">
          <span>Time</span>
          <input
            className="input"
            type="time"
            name="time"
            required
            defaultValue={timeInput(appointment.starts_at, zone)}
          />
        </label>
      </div>
      <ErrorNotice error={move.error} />
      <div className="actions">
        <Button className="quiet" onClick={onBack}>
          Back
        </Button>
        <Button type="submit" className="primary" busy={move.isPending}>
          Move
        </Button>
      </div>
    </form>
  )
}
