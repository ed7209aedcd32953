import { type MouseEvent, useEffect, useRef } from 'react'
import { type DayAppointment, type DayTimeOff, epoch, type Period } from '../../../chairtime'
import { timeRange } from '../../format'
import { AppointmentCard } from './AppointmentCard'
import type { BoardColumn, ColumnsOf, Exam, Held, Placed, Visit } from './columns'
import { ExamCard } from './ExamCard'
import { type Axis, instantAtY, placeOf, yOf } from './geometry'
import { HoldCard } from './HoldCard'
import type { Ghost, useMoving } from './useMoving'

interface Props {
  column: BoardColumn
  of: ColumnsOf
  isCurrent: boolean
  zone: string
  axis: Axis
  step: number
  hueOf(typeId: string): number
  nameOf(dentistId: string): string | undefined
  moving: ReturnType<typeof useMoving>
  columns: React.RefObject<Map<string, HTMLElement>>
  onOpen(appointment: DayAppointment): void
  onBook(columnId: string, startsAt: string): void
}

/** One dentist's day, or one chair's. */
export function Column(props: Props) {
  const { column, of, isCurrent, zone, axis, step, moving, columns, onBook } = props
  const { id } = column
  // A press that began on a card and ended beside it is not one into free time.
  const wasPressedHere = useRef(false)
  const bookAt = (event: MouseEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget || !wasPressedHere.current || !column.isOpen) return
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
      data-column={id}
      aria-label={column.title}
      style={{ height: yOf(axis, axis.until) }}
      onPointerDown={(event) => {
        wasPressedHere.current = event.target === event.currentTarget
      }}
      onClick={bookAt}
    >
      {column.hours.map((window) => (
        <div
          key={window.starts_at}
          className="open-hours"
          style={placeOf(axis, window.starts_at, window.ends_at)}
        />
      ))}
      {column.off.map((off) => (
        <Off key={off.id} period={off} axis={axis} zone={zone} label={offLabel(off, of)} text={off.reason} />
      ))}
      {column.elsewhere.map((taken) => (
        <Off
          key={taken.starts_at}
          period={taken}
          axis={axis}
          zone={zone}
          label="Taken elsewhere"
          text={null}
        />
      ))}
      {column.items.map((item) => (
        <Item key={item.key} item={item} {...props} />
      ))}
      {moving.ghost?.columnId === id && (
        <GhostCard key={moving.ghost.startsAt} ghost={moving.ghost} axis={axis} zone={zone} />
      )}
    </section>
  )
}

function Item(props: Props & { item: BoardColumn['items'][number] }) {
  const { item, column, axis, zone, hueOf, nameOf, moving, onOpen } = props
  switch (item.row.kind) {
    case 'hold':
      return <HoldCard item={item as Placed<Held>} axis={axis} zone={zone} />
    case 'exam': {
      const leader = nameOf(item.row.participation.dentist_id)
      return <ExamCard item={item as Placed<Exam>} axis={axis} zone={zone} leader={leader} onOpen={onOpen} />
    }
    case 'visit':
      return (
        <AppointmentCard
          item={item as Placed<Visit>}
          columnId={column.id}
          axis={axis}
          zone={zone}
          hue={hueOf(item.row.appointment.appointment_type_id)}
          moving={moving}
          onOpen={onOpen}
        />
      )
  }
}

function offLabel({ closure_id }: DayTimeOff, of: ColumnsOf): string {
  if (closure_id) return 'Closed'
  return of === 'chairs' ? 'Out of order' : 'Time off'
}

interface OffProps {
  period: Period
  axis: Axis
  zone: string
  label: string
  text: string | null
}

function Off({ period, axis, zone, label, text }: OffProps) {
  return (
    <div className="off" style={placeOf(axis, period.starts_at, period.ends_at)}>
      <span>
        <strong>{label}</strong> {text}
      </span>
      <span className="sr-only">{timeRange(period.starts_at, period.ends_at, zone)}</span>
    </div>
  )
}

/** Where a carried card would land. By keyboard it brings itself into view; a pointer is where it is. */
function GhostCard({ ghost, axis, zone }: { ghost: Ghost; axis: Axis; zone: string }) {
  const element = useRef<HTMLDivElement>(null)
  const { card, startsAt, by } = ghost
  const { starts_at, ends_at } = card.appointment
  useEffect(() => {
    if (by === 'keyboard') element.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [by])
  const shift = startsAt - epoch(starts_at)
  const moved = (timestamp: string) => new Date(epoch(timestamp) + shift).toISOString()
  return (
    <div
      ref={element}
      className="ghost"
      style={placeOf(axis, moved(starts_at), moved(ends_at))}
      aria-hidden="true"
    >
      <strong className="num">{timeRange(moved(starts_at), moved(ends_at), zone)}</strong>
    </div>
  )
}
