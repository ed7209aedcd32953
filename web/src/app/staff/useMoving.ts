import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react'
import { type ClinicDay, type DayAppointment, epoch } from '../../chairtime'
import { type Axis, instantAtY } from './geometry'

/** Where a card would land if it were let go now. */
export interface Ghost {
  appointment: DayAppointment
  dentistId: string
  startsAt: number
  by: 'pointer' | 'keyboard'
}

interface Options {
  day: ClinicDay
  axis: Axis
  step: number
  columns: React.RefObject<Map<string, HTMLElement>>
  onMove(appointment: DayAppointment, dentistId: string, startsAt: string): void
}

const THRESHOLD = 5

/** Moving cards, by mouse or by keyboard: `M` picks up, arrows carry, Enter puts down, Escape puts back. */
export function useMoving({ day, axis, step, columns, onMove }: Options) {
  const [ghost, setGhost] = useState<Ghost | null>(null)
  const grip = useRef<{ x: number; y: number; offset: number; appointment: DayAppointment } | null>(null)
  const wasDragged = useRef(false)

  const drop = (landed: Ghost | null) => {
    setGhost(null)
    if (!landed) return
    const { appointment, dentistId, startsAt } = landed
    const isSame = dentistId === appointment.dentist_id && startsAt === epoch(appointment.starts_at)
    if (!isSame) onMove(appointment, dentistId, new Date(startsAt).toISOString())
  }

  const pointer = (appointment: DayAppointment) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      wasDragged.current = false
      // A finger scrolls; on touch screens the dialog moves appointments.
      if (event.button !== 0 || event.pointerType === 'touch' || !isMovable(appointment)) return
      const box = event.currentTarget.getBoundingClientRect()
      grip.current = { x: event.clientX, y: event.clientY, offset: event.clientY - box.top, appointment }
      event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const held = grip.current
      if (!held) return
      if (!wasDragged.current && Math.hypot(event.clientX - held.x, event.clientY - held.y) < THRESHOLD)
        return
      wasDragged.current = true
      setGhost(under(event, held, columns.current, axis, step) ?? ghost)
    },
    onPointerUp: () => {
      if (grip.current && wasDragged.current) drop(ghost)
      grip.current = null
    },
    onPointerCancel: () => {
      grip.current = null
      setGhost(null)
    },
  })

  const onKeyDown = (event: KeyboardEvent<HTMLElement>, appointment: DayAppointment) => {
    if (event.key === 'Escape' && ghost) {
      event.preventDefault()
      grip.current = null
      return setGhost(null)
    }
    const carried = ghost?.by === 'keyboard' && ghost.appointment.id === appointment.id ? ghost : null
    if (!carried) {
      if (event.key !== 'm' || event.metaKey || event.ctrlKey || !isMovable(appointment)) return
      event.preventDefault()
      return setGhost({
        appointment,
        dentistId: appointment.dentist_id,
        startsAt: epoch(appointment.starts_at),
        by: 'keyboard',
      })
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      return drop(carried)
    }
    const next = carriedBy(event.key, carried, day, step)
    if (!next) return
    event.preventDefault()
    setGhost({ ...next, startsAt: Math.min(Math.max(next.startsAt, axis.from), axis.until - step) })
  }

  return { ghost, pointer, onKeyDown, putBack: () => setGhost(null), wasDragged: () => wasDragged.current }
}

function isMovable({ status }: DayAppointment): boolean {
  return status === 'booked' || status === 'checked_in'
}

function under(
  event: PointerEvent,
  held: { offset: number; appointment: DayAppointment },
  columns: Map<string, HTMLElement>,
  axis: Axis,
  step: number,
): Ghost | null {
  for (const [dentistId, column] of columns) {
    const box = column.getBoundingClientRect()
    if (event.clientX < box.left || event.clientX >= box.right) continue
    const startsAt = instantAtY(axis, event.clientY - held.offset - box.top, step)
    return { appointment: held.appointment, dentistId, startsAt, by: 'pointer' }
  }
  return null
}

function carriedBy(key: string, ghost: Ghost, day: ClinicDay, step: number): Ghost | null {
  const index = day.dentists.findIndex(({ dentist_id }) => dentist_id === ghost.dentistId)
  const beside = (offset: number) => day.dentists[index + offset]?.dentist_id ?? ghost.dentistId
  switch (key) {
    case 'ArrowUp':
      return { ...ghost, startsAt: ghost.startsAt - step }
    case 'ArrowDown':
      return { ...ghost, startsAt: ghost.startsAt + step }
    case 'ArrowLeft':
      return { ...ghost, dentistId: beside(-1) }
    case 'ArrowRight':
      return { ...ghost, dentistId: beside(1) }
    default:
      return null
  }
}
