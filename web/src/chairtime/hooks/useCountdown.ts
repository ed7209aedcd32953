import { useEffect, useState } from 'react'
import { useChairtime } from '../provider'
import { epoch } from '../time'

/** Whole seconds until an instant by the server's clock, never below 0; null without an instant. */
export function useCountdown(until: string | null): number | null {
  const { clock } = useChairtime()
  const [, tick] = useState(0)
  const left = until === null ? 0 : Math.max(0, epoch(until) - clock.now())
  useEffect(() => {
    if (left <= 0) return
    // Wake when the shown second changes, so that the display neither skips nor drifts.
    const timer = setTimeout(() => tick((count) => count + 1), left % 1000 || 1000)
    return () => clearTimeout(timer)
  })
  return until === null ? null : Math.ceil(left / 1000)
}
