import { epoch, type Slot } from '../../chairtime'

export type Arrangement = 'in a row' | 'at once'

/** The longest that somebody waits between two visits of a row, in milliseconds. */
const LONGEST_WAIT = 30 * 60_000

/**
 * The ways in which all can come together: one free slot for each, in their order. In a row each starts when the one before has ended,
 * with the same dentist where that costs no waiting; at once all start together, with a dentist each. What is proposed is not promised:
 * the booking finds out whether there are chairs for all.
 */
export function together(listings: Slot[][], arrangement: Arrangement): Slot[][] {
  const [first, ...others] = listings
  const starts = new Map<number, Slot[]>()
  for (const slot of first ?? []) {
    const visits = arrangement === 'in a row' ? inARow(slot, others) : atOnce(slot, others)
    const known = visits && starts.get(epoch(slot.starts_at))
    if (visits && (!known || endOf(visits) < endOf(known))) starts.set(epoch(slot.starts_at), visits)
  }
  return [...starts.values()]
}

function inARow(first: Slot, others: Slot[][]): Slot[] | null {
  const row = [first]
  for (const slots of others) {
    const before = row.at(-1) as Slot
    const end = epoch(before.ends_at)
    const next = slots
      .filter(({ starts_at }) => epoch(starts_at) >= end && epoch(starts_at) <= end + LONGEST_WAIT)
      .toSorted(
        (a, b) =>
          epoch(a.starts_at) - epoch(b.starts_at) ||
          Number(b.dentist_id === before.dentist_id) - Number(a.dentist_id === before.dentist_id),
      )[0]
    if (!next) return null
    row.push(next)
  }
  return row
}

/** Everybody somebody else's: tried in turn, for who takes whom decides whether it works out. */
function atOnce(first: Slot, others: Slot[][], taken: Slot[] = [first]): Slot[] | null {
  const [slots, ...rest] = others
  if (!slots) return taken
  for (const slot of slots) {
    if (epoch(slot.starts_at) !== epoch(first.starts_at)) continue
    if (taken.some(({ dentist_id }) => dentist_id === slot.dentist_id)) continue
    const found = atOnce(first, rest, [...taken, slot])
    if (found) return found
  }
  return null
}

function endOf(visits: Slot[]): number {
  return Math.max(...visits.map(({ ends_at }) => epoch(ends_at)))
}
