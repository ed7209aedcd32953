import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import { ChairtimeError, epoch, type LinkAction, type Linked, useChairtime } from '../../chairtime'

export interface Use {
  action: LinkAction
  startsAt?: string
  note?: string
}

/** The visit of a link, and what is done to it. Whoever is signed in here is not asked: who has the link may use it. */
export function useLink(token: string) {
  const client = useChairtime().asNobody()
  const queries = useQueryClient()
  const isUsed = useRef(false)
  const queryKey = ['link', token]
  // Nobody tells who has no login of changes: whoever comes back to the page looks again.
  const visit = useQuery({
    queryKey,
    queryFn: () => client.rpc('open_link', { token }),
    refetchOnWindowFocus: 'always',
    // When an offer ends, it is looked at again.
    refetchInterval: ({ state: { data } }) => {
      const until = data?.appointment?.state === 'offered' ? data.offered_until : null
      return typeof until === 'string' && Math.max(1000, epoch(until) - client.clock.now())
    },
  })
  const use = useMutation<Linked, Error, Use>({
    mutationFn: ({ action, startsAt, note }) =>
      client.rpc('use_link', {
        token,
        action,
        ...(startsAt ? { starts_at: startsAt } : {}),
        ...(note ? { note } : {}),
      }),
    onSuccess: (after) => {
      queries.setQueryData(queryKey, after)
      queries.removeQueries({ queryKey: [...queryKey, 'slots'] })
    },
    // What was refused is not as it was shown. Nobody waits for that: it may take long.
    onError: (error) => {
      if (isRefusal(error)) void queries.invalidateQueries({ queryKey })
    },
    onSettled: () => {
      isUsed.current = false
    },
  })
  /** Once, however fast one presses. */
  const once = (what: Use, onDone: () => void) => {
    if (isUsed.current) return
    isUsed.current = true
    use.mutate(what, { onSuccess: onDone })
  }
  return { visit, use, once }
}

/** The times to which a link's visit can move. */
export function useLinkSlots(token: string, from: string) {
  const client = useChairtime().asNobody()
  return useQuery({
    queryKey: ['link', token, 'slots', from],
    queryFn: () => client.rpc('link_slots', { token, from_date: from }),
    // What others take is not told either.
    staleTime: 30_000,
    gcTime: 60_000,
  })
}

function isRefusal(error: Error): boolean {
  return error instanceof ChairtimeError && error.code !== 'network'
}
