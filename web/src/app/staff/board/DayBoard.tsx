import { useEffect, useMemo, useRef, useState } from 'react'
import { type ClinicDay, type DayAppointment, intervalMs } from '../../../chairtime'
import { useAppointmentTypes } from '../../data'
import { clockTime } from '../../format'
import { Avatar, nthHue } from '../../ui/parts'
import { Gutter, NowLine } from './BoardTime'
import { Column } from './Column'
import type { BoardColumn, ColumnsOf } from './columns'
import { axisOf } from './geometry'
import { type Card, type Ghost, useMoving } from './useMoving'

interface Props {
  day: ClinicDay
  of: ColumnsOf
  columns: BoardColumn[]
  slotInterval: string
  onOpen(appointment: DayAppointment): void
  onBook(columnId: string, startsAt: string): void
  onMove(card: Card, columnId: string, startsAt: string): void
}

/** From this many on, columns are narrow and say less, so that a large clinic fits on a screen. */
const DENSE = 7

/** Dentists or chairs as columns, time downwards. On a phone one at a time. */
export function DayBoard({ day, of, columns, slotInterval, onOpen, onBook, onMove }: Props) {
  const axis = useMemo(() => axisOf(day), [day])
  const step = intervalMs(slotInterval)
  const board = useRef<HTMLDivElement>(null)
  const elements = useRef(new Map<string, HTMLElement>())
  const types = useAppointmentTypes(day.clinic_id).data
  // Each type of visit has its own colour.
  const hueOf = (typeId: string) => nthHue(types?.findIndex(({ id }) => id === typeId) ?? 0)
  const nameOf = (id: string) => day.dentists.find(({ dentist_id }) => dentist_id === id)?.full_name
  const [picked, setPicked] = useState<string | null>(null)
  const columnIds = columns.filter(({ isOpen }) => isOpen).map(({ id }) => id)
  const moving = useMoving({ columnIds, axis, step, board, columns: elements, onCarry: setPicked, onMove })
  useEffect(() => moving.restoreFocus())
  const current = (columns.find(({ id }) => id === picked) ?? columns[0])?.id
  return (
    <div className="board-frame">
      <div className="board-tabs" role="group" aria-label={of === 'chairs' ? 'Chair' : 'Dentist'}>
        {columns.map(({ id, title }) => (
          <button key={id} type="button" aria-pressed={id === current} onClick={() => setPicked(id)}>
            <Avatar name={title} small /> <span className="clip">{title}</span>
          </button>
        ))}
      </div>
      <p className="sr-only" id="board-help">
        M picks this appointment up: carry it with the arrow keys, put it down with Enter, put it back with
        Escape.
      </p>
      <p className="sr-only" aria-live="assertive">
        {moving.ghost?.by === 'keyboard' && describe(moving.ghost, columns, day.time_zone)}
      </p>
      <div
        ref={board}
        className="board"
        data-dense={columns.length >= DENSE}
        style={{ '--columns': columns.length } as React.CSSProperties}
        onScroll={moving.follow}
      >
        <div className="board-corner" aria-hidden="true" />
        {columns.map((column) => (
          <BoardHead key={column.id} column={column} isCurrent={column.id === current} />
        ))}
        <Gutter axis={axis} zone={day.time_zone} />
        {columns.map((column) => (
          <Column
            key={column.id}
            column={column}
            of={of}
            isCurrent={column.id === current}
            zone={day.time_zone}
            axis={axis}
            step={step}
            hueOf={hueOf}
            nameOf={nameOf}
            moving={moving}
            columns={elements}
            onOpen={onOpen}
            onBook={onBook}
          />
        ))}
        <NowLine axis={axis} zone={day.time_zone} />
      </div>
    </div>
  )
}

function describe({ card, columnId, startsAt }: Ghost, columns: BoardColumn[], zone: string): string {
  const column = columns.find(({ id }) => id === columnId)
  const time = clockTime(new Date(startsAt).toISOString(), zone)
  return `${card.appointment.patient_name}: ${time}, ${column?.title}`
}

function BoardHead({ column, isCurrent }: { column: BoardColumn; isCurrent: boolean }) {
  return (
    <div className="board-head" data-current={isCurrent}>
      <Avatar name={column.title} />
      <div className="clip">
        <h2 title={column.title}>{column.title}</h2>
        <small className="clip">{column.subtitle}</small>
      </div>
    </div>
  )
}
