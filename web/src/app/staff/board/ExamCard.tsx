import type { DayAppointment } from '../../../chairtime'
import { timeRange } from '../../format'
import type { Exam, Placed } from './columns'
import { type Axis, laneOf, placeOf } from './geometry'

interface Props {
  item: Placed<Exam>
  axis: Axis
  zone: string
  leader: string | undefined
  onOpen(appointment: DayAppointment): void
}

/** Where somebody takes part in a visit that another leads. */
export function ExamCard({ item, axis, zone, leader, onOpen }: Props) {
  const { participation, appointment } = item.row
  const { patient_name, appointment_type, appointment_id } = participation
  const label = `${patient_name}, ${appointment_type}${leader ? ` with ${leader}` : ''}, ${timeRange(item.starts_at, item.ends_at, zone)}, takes part`
  return (
    <button
      type="button"
      className="exam"
      data-exam={appointment_id}
      title={label}
      aria-label={label}
      // Whose visit it is, is shown to those who see the other column.
      disabled={!appointment}
      style={{ ...placeOf(axis, item.starts_at, item.ends_at), ...laneOf(item) } as React.CSSProperties}
      onClick={() => appointment && onOpen(appointment)}
    >
      <span className="clip">
        {patient_name}
        {leader && ` · ${leader}`}
      </span>
    </button>
  )
}
