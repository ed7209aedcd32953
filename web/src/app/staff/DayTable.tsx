import { type DayAppointment, type DayDentist, epoch } from '../../chairtime'
import { timeRange } from '../format'
import { StatusBadge } from '../ui/StatusBadge'
import type { Phones } from './usePhones'

interface Props {
  dentists: DayDentist[]
  zone: string
  phones: Phones
  caption: string
  /** Left out where the table is one dentist's. */
  withDentist: boolean
  /** Those that were cancelled instead of those that were not. */
  cancelled?: boolean
  /** Given where an appointment can be opened. */
  onOpen?(appointment: DayAppointment): void
}

/** The appointments of a day, one a row, by time. */
export function DayTable({ dentists, zone, phones, caption, withDentist, cancelled = false, onOpen }: Props) {
  const rows = dentists
    .flatMap((dentist) => dentist.appointments.map((appointment) => ({ dentist, appointment })))
    .filter(({ appointment }) => (appointment.status === 'cancelled') === cancelled)
    .toSorted((a, b) => epoch(a.appointment.starts_at) - epoch(b.appointment.starts_at))
  if (rows.length === 0) return <p className="muted none-today">No appointments.</p>
  return (
    <table className="day-table">
      <caption className="sr-only">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Patient</th>
          <th scope="col">Phone</th>
          <th scope="col">Visit</th>
          {withDentist && <th scope="col">Dentist</th>}
          <th scope="col">Status</th>
          <th scope="col">Notes</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ dentist, appointment }) => (
          <tr key={appointment.id} data-appointment={appointment.id}>
            <td className="num">{timeRange(appointment.starts_at, appointment.ends_at, zone)}</td>
            <th scope="row">
              {onOpen ? (
                <button type="button" className="link" onClick={() => onOpen(appointment)}>
                  {appointment.patient_name}
                </button>
              ) : (
                appointment.patient_name
              )}
            </th>
            <td className="num">{phones.get(appointment.patient_id) || '–'}</td>
            <td>{appointment.appointment_type}</td>
            {withDentist && <td>{dentist.full_name}</td>}
            <td>
              <StatusBadge status={appointment.status} />
            </td>
            <td className="notes">{appointment.notes}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
