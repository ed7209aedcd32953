import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react'
import { type DayAppointment, epoch } from '../../../chairtime'
import { scrollAtEdges } from './edges'
import type { Visit } from './columns'
import { type Axis, instantAtY, pixelsOf } from './geometry'
import { useKeptFocus } from './useKeptFocus'

/** A card: what it shows, in which column it stands, and from when on. */
export interface Card extends Visit {
  columnId: string
  starts_at: string
}

/** Where a card would land if it were let go now: the column, and when the visit would start. */
export interface Ghost {
  card: Card
  columnId: string
  startsAt: number
  by: 'pointer' | 'keyboard'
}

interface Options {
  /** The columns that take visits, from left to right as they are shown. */
  columnIds: string[]
  axis: Axis
  step: number
  board: React.RefObject<HTMLElement | null>
  columns: React.RefObject<Map<string, HTMLElement>>
  /** A card is being carried over this column. */
  onCarry(columnId: string): void
  onMove(card: Card, columnId: string, startsAt: string): void
}

/** A card in the hand: where it was taken, where the pointer is now, and how to stop scrolling after it. */
interface Grip {
  card: Card
  /** Pixels from the visit's start to the hand. */
  offset: number
  from: { x: number; y: number }
  at: { x: number; y: number }
  stop(): void
}

const THRESHOLD = 5

/** Moving cards, by mouse or by keyboard: `M` picks up, arrows carry, Enter puts down, Escape puts back. */
export function useMoving(options: Options) {
  const { board, onCarry, onMove } = options
  const [ghost, setGhost] = useState<Ghost | null>(null)
  const grip = useRef<Grip | null>(null)
  const wasDragged = useRef(false)
  const focus = useKeptFocus(board)

  const letGo = () => {
    grip.current?.stop()
    grip.current = null
    setGhost(null)
  }
  const drop = (landed: Ghost | null) => {
    letGo()
    if (!landed) return
    const { card, columnId, startsAt } = landed
    focus.keepOn(card.appointment.id)
    const isSame = columnId === card.columnId && startsAt === epoch(card.appointment.starts_at)
    if (!isSame) onMove(card, columnId, new Date(startsAt).toISOString())
  }
  /** Puts the ghost under the pointer, also where the board has moved beneath it. */
  const follow = () => {
    const held = grip.current
    if (held && wasDragged.current) setGhost((before) => under(held, options) ?? before)
  }

  const pointer = (card: Card) => ({
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      wasDragged.current = false
      // A finger scrolls; on touch screens the dialog moves appointments.
      if (event.button !== 0 || event.pointerType === 'touch' || !isMovable(card.appointment)) return
      const at = { x: event.clientX, y: event.clientY }
      const lag = pixelsOf(epoch(card.starts_at) - epoch(card.appointment.starts_at))
      const offset = event.clientY - event.currentTarget.getBoundingClientRect().top + lag
      grip.current = { card, offset, from: at, at, stop: () => {} }
      event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const held = grip.current
      if (!held) return
      held.at = { x: event.clientX, y: event.clientY }
      if (!wasDragged.current) {
        if (Math.hypot(held.at.x - held.from.x, held.at.y - held.from.y) < THRESHOLD) return
        wasDragged.current = true
        held.stop = scrollAtEdges(board.current, () => held.at)
      }
      follow()
    },
    onPointerUp: () => {
      if (grip.current && wasDragged.current) drop(ghost)
      else letGo()
    },
    onPointerCancel: letGo,
  })

  const onKeyDown = (event: KeyboardEvent<HTMLElement>, card: Card) => {
    if (event.key === 'Escape' && ghost) {
      event.preventDefault()
      onCarry(card.columnId)
      return letGo()
    }
    const carried =
      ghost?.by === 'keyboard' && ghost.card.appointment.id === card.appointment.id ? ghost : null
    const next = carried
      ? carriedBy(event.key, carried, options)
      : event.key === 'm' && !event.metaKey && !event.ctrlKey && pickedUp(card)
    if (carried && event.key === 'Enter') {
      event.preventDefault()
      return drop(carried)
    }
    if (!next) return
    event.preventDefault()
    onCarry(next.columnId)
    setGhost(next)
  }

  return {
    ghost,
    pointer,
    onKeyDown,
    follow,
    putBack: letGo,
    wasDragged: () => wasDragged.current,
    restoreFocus: focus.restore,
  }
}

/** Only what is booked moves: a patient who is here is here. */
export function isMovable({ status }: DayAppointment): boolean {
  return status === 'booked'
}

function pickedUp(card: Card): Ghost | null {
  if (!isMovable(card.appointment)) return null
  return { card, columnId: card.columnId, startsAt: epoch(card.appointment.starts_at), by: 'keyboard' }
}

function under({ card, at, offset }: Grip, { columns, columnIds, axis, step }: Options): Ghost | null {
  for (const [columnId, column] of columns.current) {
    const box = column.getBoundingClientRect()
    if (at.x < box.left || at.x >= box.right) continue
    if (!columnIds.includes(columnId) && columnId !== card.columnId) continue
    const y = at.y - offset - box.top
    const startsAt = Math.min(instantAtY(axis, y, step), lastStart(card.appointment, axis))
    return { card, columnId, startsAt, by: 'pointer' }
  }
  return null
}

/** The latest start with which the whole appointment is still on the board. */
function lastStart({ starts_at, ends_at }: DayAppointment, axis: Axis): number {
  return axis.until - (epoch(ends_at) - epoch(starts_at))
}

function carriedBy(key: string, ghost: Ghost, { columnIds, axis, step }: Options): Ghost | null {
  const { appointment } = ghost.card
  const later = (by: number) => ({
    ...ghost,
    startsAt: Math.max(axis.from, Math.min(ghost.startsAt + by, lastStart(appointment, axis))),
  })
  const beside = (by: number) => ({
    ...ghost,
    columnId: columnIds[columnIds.indexOf(ghost.columnId) + by] ?? ghost.columnId,
  })
  switch (key) {
    case 'ArrowUp':
      return later(-step)
    case 'ArrowDown':
      return later(step)
    case 'ArrowLeft':
      return beside(-1)
    case 'ArrowRight':
      return beside(1)
    default:
      return null
  }
}
