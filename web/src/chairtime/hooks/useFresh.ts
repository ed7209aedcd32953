import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { Refresher } from '../refresher'

/** How to ask for a fresh answer to a query when an event says that it is old. */
export function useFresh(queryKey: QueryKey): () => void {
  const queries = useQueryClient()
  const key = JSON.stringify(queryKey)
  const refresher = useMemo(
    () => new Refresher(() => queries.invalidateQueries({ queryKey: JSON.parse(key) as QueryKey })),
    [queries, key],
  )
  useEffect(() => () => refresher.stop(), [refresher])
  return refresher.request
}
