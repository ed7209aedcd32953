import { useEffect, useState } from 'react'
import { useChairtime } from '../chairtime'

/** The longest that a browser's timer can wait. */
const LONGEST = 2 ** 31 - 1

/** Whether an instant (milliseconds since the epoch) has come by the server's clock; turns true when it does. */
export function useIsPast(instant: number | null): boolean {
  const { clock } = useChairtime()
  const [, tick] = useState(0)
  const left = instant === null ? null : instant - clock.now()
  useEffect(() => {
    if (left === null || left <= 0) return
    const timer = setTimeout(() => tick((count) => count + 1), Math.min(left + 1, LONGEST))
    return () => clearTimeout(timer)
  })
  return left !== null && left <= 0
}
