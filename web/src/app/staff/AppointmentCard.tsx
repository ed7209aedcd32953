import { Check, CheckCheck, UserX } from 'lucide-react'
import { type DayAppointment, epoch } from '../../chairtime'
import { timeRange } from '../format'
import { type Axis, placeOf, yOf } from './geometry'
import { isMovable, type useMoving } from './useMoving'

interface Props {
  appointment: DayAppointment
  axis: Axis
  zone: string
  hue: number
  moving: ReturnType<typeof useMoving>
  onOpen(appointment: DayAppointment): void
}

const words = {
  booked: '',
  checked_in: ', checked in',
  fulfilled: ', done',
  no_show: ', missed',
  cancelled: ', cancelled',
}
const icons = { booked: null, checked_in: Check, fulfilled: CheckCheck, no_show: UserX, cancelled: null }
const SHORT = 40
const claims = (status: DayAppointment['status']) => status === 'booked' || status === 'checked_in'

/** An appointment on the board, with its buffers before and after. */
export function AppointmentCard({ appointment, axis, zone, hue, moving, onOpen }: Props) {
  const { starts_at, ends_at, blocked_from, blocked_until, status, patient_name, appointment_type } =
    appointment
  const place = placeOf(axis, starts_at, ends_at)
  const isLifted = moving.ghost?.appointment.id === appointment.id
  const Icon = icons[status]
  const times = timeRange(starts_at, ends_at, zone)
  return (
    <>
      {claims(status) && epoch(blocked_from) < epoch(starts_at) && (
        <Buffer axis={axis} from={blocked_from} until={starts_at} hue={hue} />
      )}
      <button
        type="button"
        className="appointment"
        data-status={status}
        data-lifted={isLifted}
        data-short={place.height < SHORT}
        data-appointment={appointment.id}
        style={{ ...place, '--hue': hue } as React.CSSProperties}
        data-movable={isMovable(appointment)}
        title={`${patient_name}, ${appointment_type}, ${times}`}
        aria-describedby={isMovable(appointment) ? 'board-help' : undefined}
        onClick={() => !moving.wasDragged() && !isLifted && onOpen(appointment)}
        onKeyDown={(event) => moving.onKeyDown(event, appointment)}
        onBlur={() => moving.ghost?.by === 'keyboard' && moving.putBack()}
        {...moving.pointer(appointment)}
      >
        <span className="sr-only">{`${patient_name}, ${appointment_type}, ${times}${words[status]}`}</span>
        <span className="who" aria-hidden="true">
          {Icon && <Icon size={14} />}
          <strong className="clip">{patient_name}</strong>
        </span>
        <span className="what clip num" aria-hidden="true">
          {times.replace(/ [AP]M/g, '')} · {appointment_type}
        </span>
      </button>
      {claims(status) && epoch(blocked_until) > epoch(ends_at) && (
        <Buffer axis={axis} from={ends_at} until={blocked_until} hue={hue} />
      )}
    </>
  )
}

function Buffer({ axis, from, until, hue }: { axis: Axis; from: string; until: string; hue: number }) {
  const height = yOf(axis, epoch(until)) - yOf(axis, epoch(from))
  return (
    <div
      className="buffer"
      style={{ ...placeOf(axis, from, until), height, '--hue': hue } as React.CSSProperties}
      aria-hidden="true"
    />
  )
}
