import { useEffect, useMemo, useRef, useState } from 'react'
import { type ClinicDay, type DayAppointment, type DayDentist, intervalMs } from '../../chairtime'
import { useAppointmentTypes } from '../data'
import { clockTime } from '../format'
import { Avatar, nthHue } from '../ui/parts'
import { Gutter, NowLine } from './BoardTime'
import { Column } from './Column'
import { axisOf } from './geometry'
import { type Ghost, useMoving } from './useMoving'

interface Props {
  day: ClinicDay
  dentists: DayDentist[]
  slotInterval: string
  onOpen(appointment: DayAppointment): void
  onBook(dentistId: string, startsAt: string): void
  onMove(appointment: DayAppointment, dentistId: string, startsAt: string): void
}

/** From this many on, columns are narrow and say less, so that a large clinic fits on a screen. */
const DENSE = 7

/** Dentists as columns, time downwards. On a phone one dentist at a time. */
export function DayBoard({ day, dentists, slotInterval, onOpen, onBook, onMove }: Props) {
  const axis = useMemo(() => axisOf(day), [day])
  const step = intervalMs(slotInterval)
  const board = useRef<HTMLDivElement>(null)
  const columns = useRef(new Map<string, HTMLElement>())
  const types = useAppointmentTypes(day.clinic_id).data
  // Each type of visit has its own colour.
  const hueOf = (typeId: string) => nthHue(types?.findIndex(({ id }) => id === typeId) ?? 0)
  const [picked, setPicked] = useState<string | null>(null)
  const dentistIds = dentists.filter(({ is_active }) => is_active).map(({ dentist_id }) => dentist_id)
  const moving = useMoving({ dentistIds, axis, step, board, columns, onCarry: setPicked, onMove })
  useEffect(() => moving.restoreFocus())
  const current = (dentists.find(({ dentist_id }) => dentist_id === picked) ?? dentists[0])?.dentist_id
  return (
    <div className="board-frame">
      <div className="board-tabs" role="group" aria-label="Dentist">
        {dentists.map(({ dentist_id, full_name }) => (
          <button
            key={dentist_id}
            type="button"
            aria-pressed={dentist_id === current}
            onClick={() => setPicked(dentist_id)}
          >
            <Avatar name={full_name} small /> <span className="clip">{full_name}</span>
          </button>
        ))}
      </div>
      <p className="sr-only" id="board-help">
        M picks this appointment up: carry it with the arrow keys, put it down with Enter, put it back with
        Escape.
      </p>
      <p className="sr-only" aria-live="assertive">
        {moving.ghost?.by === 'keyboard' && describe(moving.ghost, day)}
      </p>
      <div
        ref={board}
        className="board"
        data-dense={dentists.length >= DENSE}
        style={{ '--dentists': dentists.length } as React.CSSProperties}
        onScroll={moving.follow}
      >
        <div className="board-corner" aria-hidden="true" />
        {dentists.map((dentist) => (
          <BoardHead key={dentist.dentist_id} dentist={dentist} isCurrent={dentist.dentist_id === current} />
        ))}
        <Gutter axis={axis} zone={day.time_zone} />
        {dentists.map((dentist) => (
          <Column
            key={dentist.dentist_id}
            dentist={dentist}
            isCurrent={dentist.dentist_id === current}
            zone={day.time_zone}
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
        <h2 title={dentist.full_name}>{dentist.full_name}</h2>
        <small className="clip">{dentist.specialty ?? 'Dentist'}</small>
      </div>
    </div>
  )
}
