import { Globe } from 'lucide-react'
import { dayOf, longDay, ownZone, timeRange, zoneName, zonesDiffer } from '../format'

/** Clinic time, and the visitor's own when the clocks differ. */
export function Times({ from, until, zone }: { from: string; until: string; zone: string }) {
  return (
    <p>
      <strong className="num">{timeRange(from, until, zone)}</strong>
      {zonesDiffer(zone, ownZone, from) && (
        <span className="own-time num">
          {' '}
          {dayOf(from, ownZone) !== dayOf(from, zone) && `${longDay(from, ownZone)}, `}
          {timeRange(from, until, ownZone)} your time
        </span>
      )}
    </p>
  )
}

/** By whose clock times are told. */
export function ZoneName({ zone, at }: { zone: string; at: string }) {
  return (
    <span className="zone muted small-text">
      <Globe size={14} aria-hidden="true" /> {zoneName(zone, at)}
    </span>
  )
}
