import { type ClinicDay, epoch } from '../../../chairtime'

/** Where times stand on the board. The axis is elapsed time, so a day of 23 or 25 hours is drawn right. */
export interface Axis {
  from: number
  until: number
  /** The full hours, as instants. */
  hours: number[]
}

const PIXELS_PER_MINUTE = 1.4
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const SHORTEST = 8 * HOUR

/** The part of the day in which anything happens, in whole hours, at least eight of them. */
export function axisOf(day: ClinicDay): Axis {
  const spans = day.dentists.flatMap((dentist) => [
    ...dentist.hours.map(({ starts_at, ends_at }) => [epoch(starts_at), epoch(ends_at)] as const),
    ...dentist.appointments.map(
      ({ blocked_from, blocked_until }) => [epoch(blocked_from), epoch(blocked_until)] as const,
    ),
    ...dentist.holds.map(
      ({ blocked_from, blocked_until }) => [epoch(blocked_from), epoch(blocked_until)] as const,
    ),
    ...dentist.participations.map(({ starts_at, ends_at }) => [epoch(starts_at), epoch(ends_at)] as const),
  ])
  const [start, end] = [epoch(day.starts_at), epoch(day.ends_at)]
  const nine = start + 9 * HOUR
  const earliest = spans.length ? Math.min(...spans.map(([from]) => from)) : nine
  const latest = spans.length ? Math.max(...spans.map(([, until]) => until)) : nine + SHORTEST
  const from = Math.max(start, start + Math.floor((earliest - start) / HOUR) * HOUR)
  const until = Math.min(end, Math.max(start + Math.ceil((latest - start) / HOUR) * HOUR, from + SHORTEST))
  const hours = Array.from(
    { length: Math.round((until - from) / HOUR) + 1 },
    (_, index) => from + index * HOUR,
  )
  return { from, until, hours }
}

/** A span on the board. */
export function pixelsOf(milliseconds: number): number {
  return (milliseconds / MINUTE) * PIXELS_PER_MINUTE
}

/** Pixels from the top of the axis. */
export function yOf(axis: Axis, instant: number): number {
  return pixelsOf(instant - axis.from)
}

/** The instant at a height, snapped to a step counted from the axis' start, kept inside the axis. */
export function instantAtY(axis: Axis, y: number, step: number): number {
  const exact = axis.from + (y / PIXELS_PER_MINUTE) * MINUTE
  const snapped = axis.from + Math.round((exact - axis.from) / step) * step
  return Math.min(Math.max(snapped, axis.from), axis.until - step)
}

/** Top and height as a style, cut to the axis. */
export function placeOf(axis: Axis, from: string, until: string): { top: number; height: number } {
  const [start, end] = [Math.max(epoch(from), axis.from), Math.min(epoch(until), axis.until)]
  return { top: yOf(axis, start), height: Math.max(0, yOf(axis, end) - yOf(axis, start)) }
}

/** Where something stands beside what it meets: see `.lane` in the styles. */
export function laneOf({
  lane,
  lanes,
}: {
  lane: number
  lanes: number
}): Record<'--lane' | '--lanes', number> {
  return { '--lane': lane, '--lanes': lanes }
}
