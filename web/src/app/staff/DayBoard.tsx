import { CalendarOff } from 'lucide-react'
import { type MouseEvent, useEffect, useMemo, useRef, useState } from 'react'
import {
  type ClinicDay,
  type DayAppointment,
  type DayDentist,
  epoch,
  intervalMs,
  useChairtime,
} from '../../chairtime'
import { useAppointmentTypes } from '../data'
import { clockTime, timeRange } from '../format'
import { Avatar, Empty, nthHue } from '../ui/parts'
import { AppointmentCard } from './AppointmentCard'
import { type Axis, axisOf, instantAtY, placeOf, yOf } from './geometry'
import { HoldCard } from './HoldCard'
import { type Ghost, useMoving } from './useMoving'

interface Props {
  day: ClinicDay
  slotInterval: string
  onOpen(appointment: DayAppointment): void
  onBook(dentistId: string, startsAt: string): void
  onMove(appointment: DayAppointment, dentistId: string, startsAt: string): void
}

/** Dentists as columns, time downwards. On a phone one dentist at a time. */
export function DayBoard({ day, slotInterval, onOpen, onBook, onMove }: Props) {
  const axis = useMemo(() => axisOf(day), [day])
  const step = intervalMs(slotInterval)
  const columns = useRef(new Map<string, HTMLElement>())
  const types = useAppointmentTypes(day.clinic_id).data
  // Each type of visit has its own colour.
  const hueOf = (typeId: string) => nthHue(types?.findIndex(({ id }) => id === typeId) ?? 0)
  const moving = useMoving({ day, axis, step, columns, onMove })
  const [picked, setPicked] = useState<string | null>(null)
  const dentists = day.dentists.filter((dentist) => dentist.is_active || dentist.appointments.length > 0)
  const current = dentists.find(({ dentist_id }) => dentist_id === picked) ?? dentists[0]
  if (!current) {
    return (
      <Empty icon={<CalendarOff />} title="No dentists yet">
        <p>As soon as an administrator adds one, their day appears here.</p>
      </Empty>
    )
  }
  return (
    <div className="board-frame">
      <div className="board-tabs" role="group" aria-label="Dentist">
        {dentists.map(({ dentist_id, full_name }) => (
          <button
            key={dentist_id}
            type="button"
            aria-pressed={dentist_id === current.dentist_id}
            onClick={() => setPicked(dentist_id)}
          >
            <Avatar name={full_name} small /> <span className="clip">{full_name}</span>
          </button>
        ))}
      </div>
      <p className="sr-only" id="board-help">
        Enter opens an appointment. M picks it up: carry it with the arrow keys, put it down with Enter, put
        it back with Escape.
      </p>
      <p className="sr-only" aria-live="assertive">
        {moving.ghost?.by === 'keyboard' && describe(moving.ghost, day)}
      </p>
      <div className="board" style={{ '--dentists': dentists.length } as React.CSSProperties}>
        <div className="board-corner" aria-hidden="true" />
        {dentists.map((dentist) => (
          <BoardHead key={dentist.dentist_id} dentist={dentist} isCurrent={dentist === current} />
        ))}
        <Gutter axis={axis} zone={day.time_zone} />
        {dentists.map((dentist) => (
          <Column
            key={dentist.dentist_id}
            dentist={dentist}
            isCurrent={dentist === current}
            day={day}
            axis={axis}
            step={step}
            hueOf={hueOf}
            moving={moving}
            columns={columns}
            onOpen={onOpen}
            onBook={onBook}
          />
        ))}
        <NowLine axis={axis} zone={day.time_zone} />
      </div>
    </div>
  )
}

function describe(ghost: Ghost, day: ClinicDay): string {
  const dentist = day.dentists.find(({ dentist_id }) => dentist_id === ghost.dentistId)
  return `${ghost.appointment.patient_name}: ${clockTime(new Date(ghost.startsAt).toISOString(), day.time_zone)}, ${dentist?.full_name}`
}

function BoardHead({ dentist, isCurrent }: { dentist: DayDentist; isCurrent: boolean }) {
  return (
    <div className="board-head" data-current={isCurrent}>
      <Avatar name={dentist.full_name} />
      <div className="clip">
        <h2 className="clip">{dentist.full_name}</h2>
        <small className="clip">{dentist.specialty ?? 'Dentist'}</small>
      </div>
    </div>
  )
}

function Gutter({ axis, zone }: { axis: Axis; zone: string }) {
  return (
    <div className="gutter num" style={{ height: yOf(axis, axis.until) }} aria-hidden="true">
      {axis.hours.slice(0, -1).map((hour) => (
        <span key={hour} style={{ top: yOf(axis, hour) }}>
          {clockTime(new Date(hour).toISOString(), zone).replace(':00', '')}
        </span>
      ))}
    </div>
  )
}

interface ColumnProps {
  dentist: DayDentist
  isCurrent: boolean
  day: ClinicDay
  axis: Axis
  step: number
  hueOf(typeId: string): number
  moving: ReturnType<typeof useMoving>
  columns: React.RefObject<Map<string, HTMLElement>>
  onOpen(appointment: DayAppointment): void
  onBook(dentistId: string, startsAt: string): void
}

function Column({
  dentist,
  isCurrent,
  day,
  axis,
  step,
  hueOf,
  moving,
  columns,
  onOpen,
  onBook,
}: ColumnProps) {
  const zone = day.time_zone
  const id = dentist.dentist_id
  const rows = dentist.appointments
    .filter(({ status }) => status !== 'cancelled')
    .toSorted((a, b) => epoch(a.starts_at) - epoch(b.starts_at))
  const bookAt = (event: MouseEvent<HTMLElement>) => {
    if (event.target !== event.currentTarget) return
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
      {moving.ghost?.dentistId === id && <GhostCard ghost={moving.ghost} axis={axis} zone={zone} />}
    </section>
  )
}

function GhostCard({ ghost, axis, zone }: { ghost: Ghost; axis: Axis; zone: string }) {
  const { appointment, startsAt } = ghost
  const shift = startsAt - epoch(appointment.starts_at)
  const moved = (timestamp: string) => new Date(epoch(timestamp) + shift).toISOString()
  return (
    <div
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

const TICK = 20_000

function NowLine({ axis, zone }: { axis: Axis; zone: string }) {
  const { clock } = useChairtime()
  const [now, setNow] = useState(() => clock.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), TICK)
    return () => clearInterval(timer)
  }, [clock])
  if (now < axis.from || now >= axis.until) return null
  const time = clockTime(new Date(now).toISOString(), zone)
  return (
    <div
      className="now"
      style={{ '--y': `${yOf(axis, now)}px` } as React.CSSProperties}
      role="img"
      aria-label={`Now: ${time}`}
    >
      <span className="num">{time.replace(/ [AP]M/, '')}</span>
    </div>
  )
}
