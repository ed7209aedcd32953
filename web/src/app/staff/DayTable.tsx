import { type DayAppointment, type DayDentist, epoch, type Participation } from '../../chairtime'
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
  /** Given where it also says in whose visits somebody takes part: the names of those who lead them. */
  leaders?: ReadonlyMap<string, string>
  /** Given where an appointment can be opened. */
  onOpen?(appointment: DayAppointment): void
}

/** The appointments of a day, one a row, by time. */
export function DayTable(props: Props) {
  const { dentists, caption, withDentist, cancelled = false, leaders } = props
  const rows: Row[] = dentists
    .flatMap((dentist) => [
      ...dentist.appointments
        .filter(({ status }) => (status === 'cancelled') === cancelled)
        .map((appointment) => ({ dentist, appointment, ...appointment })),
      ...(leaders ? dentist.participations : []).map((exam) => ({ dentist, exam, ...exam })),
    ])
    .toSorted((a, b) => epoch(a.starts_at) - epoch(b.starts_at))
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
        {rows.map((row) => (
          <TableRow
            key={`${row.dentist.dentist_id} ${row.exam?.part ?? 0} ${row.patient_id} ${row.starts_at}`}
            row={row}
            {...props}
          />
        ))}
      </tbody>
    </table>
  )
}

/** A visit that somebody leads, or takes part in for a while. */
interface Row {
  dentist: DayDentist
  appointment?: DayAppointment
  exam?: Participation
  starts_at: string
  ends_at: string
  patient_id: string
  patient_name: string
  appointment_type: string
}

function TableRow({ row, zone, phones, withDentist, leaders, onOpen }: Props & { row: Row }) {
  const { dentist, appointment, exam, patient_name } = row
  const leader = exam && leaders?.get(exam.dentist_id)
  return (
    <tr data-appointment={appointment?.id} data-exam={exam?.appointment_id}>
      <td className="num">{timeRange(row.starts_at, row.ends_at, zone)}</td>
      <th scope="row">
        {onOpen && appointment ? (
          <button type="button" className="link" onClick={() => onOpen(appointment)}>
            {patient_name}
          </button>
        ) : (
          patient_name
        )}
      </th>
      <td className="num">{phones.get(row.patient_id) || '–'}</td>
      <td>
        {row.appointment_type}
        {leader && `, led by ${leader}`}
      </td>
      {withDentist && <td>{dentist.full_name}</td>}
      <td>
        {appointment ? (
          <StatusBadge status={appointment.status} isConfirmed={appointment.confirmed_at !== null} />
        ) : (
          'Takes part'
        )}
      </td>
      <td className="notes">{appointment?.notes}</td>
    </tr>
  )
}
