import { useCallback, useSyncExternalStore } from 'react'
import type { ConnectionStatus } from '../hub'
import { useChairtime } from '../provider'

/** How live the page is: show anything but `live` and `idle` to the visitor. */
export function useConnectionStatus(): ConnectionStatus {
  const { hub } = useChairtime()
  return useSyncExternalStore(
    useCallback((changed) => hub.watch(changed), [hub]),
    () => hub.status,
  )
}
