import { useEffect, useState } from 'react'
import { useChairtime } from '../../../chairtime'
import { clockTime } from '../../format'
import { type Axis, yOf } from './geometry'

/** The hours beside the board. */
export function Gutter({ axis, zone }: { axis: Axis; zone: string }) {
  return (
    <div className="gutter num" style={{ height: yOf(axis, axis.until) }} aria-hidden="true">
      {axis.hours.slice(0, -1).map((hour) => (
        <span key={hour} style={{ top: yOf(axis, hour) }}>
          {clockTime(new Date(hour).toISOString(), zone).replace(':00', '')}
        </span>
      ))}
    </div>
  )
}

const TICK = 20_000

/** A line across the board at the present time. */
export function NowLine({ axis, zone }: { axis: Axis; zone: string }) {
  const { clock } = useChairtime()
  const [now, setNow] = useState(() => clock.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(clock.now()), TICK)
    return () => clearInterval(timer)
  }, [clock])
  if (now < axis.from || now >= axis.until) return null
  const time = clockTime(new Date(now).toISOString(), zone)
  return (
    <div
      className="now"
      style={{ '--y': `${yOf(axis, now)}px` } as React.CSSProperties}
      role="img"
      aria-label={`Now: ${time}`}
    >
      <span className="num">{time.replace(/ [AP]M/, '')}</span>
    </div>
  )
}
