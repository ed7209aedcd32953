import { type QueryClient, type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { Refresher } from '../refresher'

/** How to ask for a fresh answer to a query when an event says that it is old. Parts of a page that hear the same event ask once. */
export function useFresh(queryKey: QueryKey): () => void {
  const queries = useQueryClient()
  const key = JSON.stringify(queryKey)
  const refresher = useMemo(() => refresherOf(queries, key), [queries, key])
  useEffect(() => refresher.look(), [refresher])
  return refresher.request
}

const refreshers = new WeakMap<QueryClient, Map<string, Refresher>>()

function refresherOf(queries: QueryClient, key: string): Refresher {
  const own = refreshers.get(queries) ?? new Map<string, Refresher>()
  refreshers.set(queries, own)
  const known = own.get(key)
  if (known) return known
  const made = new Refresher(() => queries.invalidateQueries({ queryKey: JSON.parse(key) as QueryKey }))
  own.set(key, made)
  return made
}
