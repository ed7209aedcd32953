import { epoch, type ShownSlot } from '../../chairtime'
import { dayOf, hourOf } from '../format'

export const partsOfDay = ['Morning', 'Afternoon', 'Evening'] as const
export type PartOfDay = (typeof partsOfDay)[number]

export interface Offer {
  /** Of the dentists free at this time the first; taken only when all are. */
  slot: ShownSlot
  part: PartOfDay
}

/** Times at which several dentists are free are offered once. Days and their parts are those of the zone that is shown. */
export function offersByDay(slots: ShownSlot[], zone: string): Map<string, Offer[]> {
  const days = new Map<string, Map<number, Offer>>()
  for (const slot of slots) {
    const day = dayOf(slot.starts_at, zone)
    const times = days.get(day) ?? new Map<number, Offer>()
    days.set(day, times)
    const known = times.get(epoch(slot.starts_at))
    if (known && !known.slot.taken) continue
    times.set(epoch(slot.starts_at), { slot, part: partOf(hourOf(slot.starts_at, zone)) })
  }
  return new Map([...days].map(([day, times]) => [day, [...times.values()]]))
}

export function hasFree(offers: Offer[] | undefined): boolean {
  return offers?.some(({ slot }) => !slot.taken) ?? false
}

const NOON = 12
const EVENING = 18

function partOf(hour: number): PartOfDay {
  if (hour < NOON) return 'Morning'
  return hour < EVENING ? 'Afternoon' : 'Evening'
}
