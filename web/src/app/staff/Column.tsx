import { type MouseEvent, useEffect, useRef } from 'react'
import { type DayAppointment, type DayDentist, epoch } from '../../chairtime'
import { timeRange } from '../format'
import { AppointmentCard } from './AppointmentCard'
import { type Axis, instantAtY, placeOf, yOf } from './geometry'
import { HoldCard } from './HoldCard'
import type { Ghost, useMoving } from './useMoving'

interface Props {
  dentist: DayDentist
  isCurrent: boolean
  zone: string
  axis: Axis
  step: number
  hueOf(typeId: string): number
  moving: ReturnType<typeof useMoving>
  columns: React.RefObject<Map<string, HTMLElement>>
  onOpen(appointment: DayAppointment): void
  onBook(dentistId: string, startsAt: string): void
}

/** One dentist's day. */
export function Column(props: Props) {
  const { dentist, isCurrent, zone, axis, step, hueOf, moving, columns, onOpen, onBook } = props
  const id = dentist.dentist_id
  const rows = dentist.appointments
    .filter(({ status }) => status !== 'cancelled')
    .toSorted((a, b) => epoch(a.starts_at) - epoch(b.starts_at))
  // A press that began on a card and ended beside it is not one into free time.
  const wasPressedHere = useRef(false)
  const bookAt = (event: MouseEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget || !wasPressedHere.current || !dentist.is_active) return
    const y = event.clientY - event.currentTarget.getBoundingClientRect().top
    onBook(id, new Date(instantAtY(axis, y - 10, step)).toISOString())
  }
  return (
    // A click into free time is a shortcut for the mouse; everybody has the Book button.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <section
      ref={(element) => {
        if (element) columns.current.set(id, element)
        return () => void columns.current.delete(id)
      }}
      className="column"
      data-current={isCurrent}
      data-dentist={id}
      aria-label={dentist.full_name}
      style={{ height: yOf(axis, axis.until) }}
      onPointerDown={(event) => {
        wasPressedHere.current = event.target === event.currentTarget
      }}
      onClick={bookAt}
    >
      {dentist.hours.map((window) => (
        <div
          key={window.starts_at}
          className="open-hours"
          style={placeOf(axis, window.starts_at, window.ends_at)}
        />
      ))}
      {dentist.time_off.map((off) => (
        <div key={off.id} className="off" style={placeOf(axis, off.starts_at, off.ends_at)}>
          <span>
            <strong>Time off</strong> {off.reason}
          </span>
          <span className="sr-only">{timeRange(off.starts_at, off.ends_at, zone)}</span>
        </div>
      ))}
      {dentist.holds.map((hold) => (
        <HoldCard key={hold.id} hold={hold} axis={axis} zone={zone} />
      ))}
      {rows.map((appointment) => (
        <AppointmentCard
          key={appointment.id}
          appointment={appointment}
          axis={axis}
          zone={zone}
          hue={hueOf(appointment.appointment_type_id)}
          moving={moving}
          onOpen={onOpen}
        />
      ))}
      {moving.ghost?.dentistId === id && (
        <GhostCard key={moving.ghost.startsAt} ghost={moving.ghost} axis={axis} zone={zone} />
      )}
    </section>
  )
}

/** Where a carried card would land. By keyboard it brings itself into view; a pointer is where it is. */
function GhostCard({ ghost, axis, zone }: { ghost: Ghost; axis: Axis; zone: string }) {
  const card = useRef<HTMLDivElement>(null)
  const { appointment, startsAt, by } = ghost
  useEffect(() => {
    if (by === 'keyboard') card.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [by])
  const shift = startsAt - epoch(appointment.starts_at)
  const moved = (timestamp: string) => new Date(epoch(timestamp) + shift).toISOString()
  return (
    <div
      ref={card}
      className="ghost"
      style={placeOf(axis, moved(appointment.starts_at), moved(appointment.ends_at))}
      aria-hidden="true"
    >
      <strong className="num">
        {timeRange(moved(appointment.starts_at), moved(appointment.ends_at), zone)}
      </strong>
    </div>
  )
}
