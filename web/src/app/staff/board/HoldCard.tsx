import { Hourglass } from 'lucide-react'
import { useCountdown } from '../../../chairtime'
import { minutesAndSeconds, timeRange } from '../../format'
import type { Held, Placed } from './columns'
import { type Axis, laneOf, placeOf } from './geometry'

/** Somebody is booking this time just now; it vanishes by itself when the hold ends. */
export function HoldCard({ item, axis, zone }: { item: Placed<Held>; axis: Axis; zone: string }) {
  const { hold } = item.row
  const left = useCountdown(hold.expires_at)
  if (left === 0) return null
  return (
    <div
      className="hold"
      data-hold={hold.id}
      style={{ ...placeOf(axis, item.starts_at, item.ends_at), ...laneOf(item) } as React.CSSProperties}
    >
      <Hourglass size={14} aria-hidden="true" />
      <span className="clip">
        <strong>{hold.patient_name ?? 'Being booked'}</strong>
        <span className="sr-only">, on hold, {timeRange(hold.starts_at, hold.ends_at, zone)}</span>
      </span>
      <span className="num" aria-hidden="true">
        {minutesAndSeconds(left ?? 0)}
      </span>
    </div>
  )
}
