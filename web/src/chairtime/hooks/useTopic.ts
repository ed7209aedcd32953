import { useEffect, useRef } from 'react'
import type { ChairtimeEvent } from '../events'
import { useChairtime } from '../provider'

interface Handlers {
  onEvent?(event: ChairtimeEvent): void
  onResync?(): void
}

/** Listens on a topic for as long as the component is mounted; `null` listens to nothing. */
export function useTopic(topic: string | null, handlers: Handlers): void {
  const { hub } = useChairtime()
  const latest = useRef(handlers)
  latest.current = handlers
  useEffect(() => {
    if (topic === null) return
    return hub.listen(topic, {
      onEvent: (event) => latest.current.onEvent?.(event),
      onResync: () => latest.current.onResync?.(),
    })
  }, [hub, topic])
}
