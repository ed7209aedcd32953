import type { Period } from '../../chairtime'
import { clockTime, dayOf, longDay, timeRange } from '../format'

/** `Monday, March 2, 9:00 AM – 5:00 PM`, or both days where it ends on another. */
export function PeriodText({ period, zone }: { period: Period; zone: string }) {
  const { starts_at, ends_at } = period
  const isOneDay = dayOf(starts_at, zone) === dayOf(ends_at, zone)
  return (
    <span className="num">
      {isOneDay
        ? `${longDay(starts_at, zone)}, ${timeRange(starts_at, ends_at, zone)}`
        : `${longDay(starts_at, zone)}, ${clockTime(starts_at, zone)} – ${longDay(ends_at, zone)}, ${clockTime(ends_at, zone)}`}
    </span>
  )
}
