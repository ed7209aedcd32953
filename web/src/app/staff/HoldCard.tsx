import { Hourglass } from 'lucide-react'
import { type DayHold, useCountdown } from '../../chairtime'
import { minutesAndSeconds, timeRange } from '../format'
import { type Axis, placeOf } from './geometry'

/** Somebody is booking this time just now; it vanishes by itself when the hold ends. */
export function HoldCard({ hold, axis, zone }: { hold: DayHold; axis: Axis; zone: string }) {
  const left = useCountdown(hold.expires_at)
  if (left === 0) return null
  return (
    <div className="hold" data-hold={hold.id} style={placeOf(axis, hold.starts_at, hold.ends_at)}>
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
