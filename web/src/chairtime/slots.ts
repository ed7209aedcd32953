import type { ChairtimeEvent } from './events'
import type { Slot } from './model'
import { epoch, overlaps } from './time'

/** A slot as shown: one that somebody took while it was on screen stays in its place, marked, so that nothing jumps. */
export interface ShownSlot extends Slot {
  taken: boolean
}

/** Minutes of an appointment type that are blocked around the appointment, in milliseconds. */
export interface Buffers {
  before: number
  after: number
}

const keyOf = (slot: Slot) => `${slot.dentist_id} ${epoch(slot.starts_at)}`

/** A fresh list in place of the shown one: what vanished is marked as taken, what is new or came back is free. */
export function mergeSlots(shown: ShownSlot[], fresh: Slot[]): ShownSlot[] {
  const free = new Set(fresh.map(keyOf))
  const gone = shown.filter((slot) => !free.has(keyOf(slot)))
  return [
    ...fresh.map((slot) => ({ ...slot, taken: false })),
    ...gone.map((slot) => ({ ...slot, taken: true })),
  ].toSorted((a, b) => epoch(a.starts_at) - epoch(b.starts_at) || a.dentist_id.localeCompare(b.dentist_id))
}

/** `slot_taken` carries the blocked time: every slot of that dentist whose own blocked time meets it is gone. */
export function takeSlots(shown: ShownSlot[], event: ChairtimeEvent, buffers: Buffers): ShownSlot[] {
  if (event.event !== 'slot_taken' || !event.starts_at || !event.ends_at) return shown
  const blocked: [number, number] = [epoch(event.starts_at), epoch(event.ends_at)]
  const isHit = (slot: ShownSlot) =>
    slot.dentist_id === event.dentist_id &&
    overlaps([epoch(slot.starts_at) - buffers.before, epoch(slot.ends_at) + buffers.after], blocked)
  if (!shown.some((slot) => !slot.taken && isHit(slot))) return shown
  return shown.map((slot) => (isHit(slot) ? { ...slot, taken: true } : slot))
}

export interface Scope {
  dentistId: string | null
  /** Who leads visits of the listed type, where that is known. */
  leaderIds?: readonly string[] | undefined
  from: number
  until: number
}

/** What was freed, or new hours, can only be turned into slots by the server: is a fresh list needed? */
export function needsFreshSlots(event: ChairtimeEvent, scope: Scope): boolean {
  // Chairs are everybody's, and so is who leads other visits: the listed ones may need them for a part.
  const isShared =
    event.event === 'availability_changed' ||
    (event.dentist_id !== null && scope.leaderIds?.includes(event.dentist_id) === false)
  if (!isShared && event.event === 'slot_taken') return false
  if (!isShared && scope.dentistId && event.dentist_id && event.dentist_id !== scope.dentistId) return false
  if (!event.starts_at || !event.ends_at) return true
  return overlaps([epoch(event.starts_at), epoch(event.ends_at)], [scope.from, scope.until])
}
