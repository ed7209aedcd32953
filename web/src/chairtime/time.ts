import { Temporal } from 'temporal-polyfill'

/** An ISO timestamp with an offset as milliseconds since the epoch. */
export function epoch(timestamp: string): number {
  return Temporal.Instant.from(timestamp).epochMilliseconds
}

/** True if the half-open periods share an instant. */
export function overlaps(a: [from: number, until: number], b: [from: number, until: number]): boolean {
  return a[0] < b[1] && b[0] < a[1]
}

const MINUTE = 60_000

/**
 * A Postgres interval (`"00:45:00"`, `"90 days"`, `"1 day 02:00:00"`, `"1 mon"`) in milliseconds. A month is 30 days, as
 * where Postgres compares intervals.
 */
export function intervalMs(interval: string): number {
  const months = /(-?\d+) mons?/.exec(interval)
  const days = /(-?\d+) days?/.exec(interval)
  const clock = /(\d+):(\d+):(\d+)/.exec(interval)
  const [hours, minutes] = clock ? [Number(clock[1]), Number(clock[2])] : [0, 0]
  return ((Number(months?.[1] ?? 0) * 30 + Number(days?.[1] ?? 0)) * 1440 + hours * 60 + minutes) * MINUTE
}
