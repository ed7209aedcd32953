import { useEffect, useEffectEvent } from 'react'
import type { ChairtimeEvent } from '../events'
import { useChairtime } from '../provider'

interface Handlers {
  onEvent?(event: ChairtimeEvent): void
  onResync?(): void
}

/** Listens on a topic for as long as the component is mounted; `null` listens to nothing. */
export function useTopic(topic: string | null, handlers: Handlers): void {
  const { hub } = useChairtime()
  const onEvent = useEffectEvent((event: ChairtimeEvent) => handlers.onEvent?.(event))
  const onResync = useEffectEvent(() => handlers.onResync?.())
  useEffect(() => (topic === null ? undefined : hub.listen(topic, { onEvent, onResync })), [hub, topic])
}
