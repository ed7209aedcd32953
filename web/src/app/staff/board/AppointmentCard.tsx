import { CalendarCheck2, Check, CheckCheck, Layers, UserX } from 'lucide-react'
import { type DayAppointment, epoch } from '../../../chairtime'
import { timeRange } from '../../format'
import type { Placed, Visit } from './columns'
import { type Axis, laneOf, placeOf, yOf } from './geometry'
import { isMovable, type useMoving } from './useMoving'

interface Props {
  item: Placed<Visit>
  columnId: string
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

/** A visit on the board, with its buffers before and after; in a chair's column, as long as it takes the chair. */
export function AppointmentCard({ item, columnId, axis, zone, hue, moving, onOpen }: Props) {
  const { appointment, part } = item.row
  const { starts_at, ends_at, blocked_from, blocked_until, status, patient_name, appointment_type } =
    appointment
  const place = placeOf(axis, item.starts_at, item.ends_at)
  const card = { ...item.row, columnId, starts_at: item.starts_at }
  const isLifted = moving.ghost?.card.appointment.id === appointment.id
  const isConfirmed = status === 'booked' && appointment.confirmed_at !== null
  const Icon = isConfirmed ? CalendarCheck2 : icons[status]
  const state = isConfirmed ? ', confirmed' : words[status]
  const times = timeRange(starts_at, ends_at, zone)
  // A chair's claim has its buffers within.
  const hasBuffers = part === 0 && claims(status)
  const lane = laneOf(item)
  return (
    <>
      {hasBuffers && epoch(blocked_from) < epoch(starts_at) && (
        <Buffer axis={axis} from={blocked_from} until={starts_at} hue={hue} lane={lane} />
      )}
      <button
        type="button"
        className="appointment"
        data-status={status}
        data-lifted={isLifted}
        data-short={place.height < SHORT}
        data-squeezed={appointment.is_squeezed}
        data-appointment={appointment.id}
        style={{ ...place, ...lane, '--hue': hue } as React.CSSProperties}
        data-movable={isMovable(appointment)}
        title={`${patient_name}, ${appointment_type}, ${times}${isConfirmed ? ', confirmed' : ''}`}
        aria-describedby={isMovable(appointment) ? 'board-help' : undefined}
        onClick={() => !moving.wasDragged() && !isLifted && onOpen(appointment)}
        onKeyDown={(event) => moving.onKeyDown(event, card)}
        onBlur={() => moving.ghost?.by === 'keyboard' && moving.putBack()}
        {...moving.pointer(card)}
      >
        <span className="sr-only">
          {`${patient_name}, ${appointment_type}, ${times}${state}${appointment.is_squeezed ? ', squeezed in' : ''}`}
        </span>
        <span className="who" aria-hidden="true">
          {Icon && <Icon size={14} />}
          {appointment.is_squeezed && <Layers size={14} />}
          <strong className="clip">{patient_name}</strong>
        </span>
        <span className="what clip num" aria-hidden="true">
          {times.replace(/ [AP]M/g, '')} · {appointment_type}
        </span>
      </button>
      {hasBuffers && epoch(blocked_until) > epoch(ends_at) && (
        <Buffer axis={axis} from={ends_at} until={blocked_until} hue={hue} lane={lane} />
      )}
    </>
  )
}

interface BufferProps {
  axis: Axis
  from: string
  until: string
  hue: number
  lane: ReturnType<typeof laneOf>
}

function Buffer({ axis, from, until, hue, lane }: BufferProps) {
  const height = yOf(axis, epoch(until)) - yOf(axis, epoch(from))
  return (
    <div
      className="buffer"
      style={{ ...placeOf(axis, from, until), ...lane, height, '--hue': hue } as React.CSSProperties}
      aria-hidden="true"
    />
  )
}
