import type { Session } from '@supabase/supabase-js'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import type { ChairtimeClient } from './client'
import { ChairtimeError } from './errors'
import { watchNetwork } from './hub'

interface Context {
  client: ChairtimeClient
  /** `undefined` until the stored session has been read. */
  session: Session | null | undefined
}

const ChairtimeContext = createContext<Context | null>(null)

const FIRST_RETRY = 400
const LAST_RETRY = 5000

/**
 * Nothing is refetched by the clock or by focus: the channels say when something changed. What got no answer is asked
 * for until one comes, and meanwhile `failureReason` says why there is none; a refusal is an answer.
 */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        refetchOnReconnect: true,
        // The browser's idea of being offline is a guess: ask, and tell what came of it.
        networkMode: 'always',
        retry: (_failures, error) => error instanceof ChairtimeError && error.code === 'network',
        retryDelay: (failures) => Math.min(FIRST_RETRY * 2 ** failures, LAST_RETRY),
      },
      mutations: { networkMode: 'always' },
    },
  })
}

interface Props {
  client: ChairtimeClient
  queryClient?: QueryClient
  children: ReactNode
}

/** Puts a client, its session and the cache under everything inside. */
export function ChairtimeProvider({ client, queryClient, children }: Props) {
  const [session, setSession] = useState<Session | null>()
  const queries = useMemo(() => queryClient ?? createQueryClient(), [queryClient])
  useEffect(() => watchNetwork(client.hub, client.supabase), [client])
  useEffect(() => {
    let lastUser: string | null | undefined
    const { data } = client.supabase.auth.onAuthStateChange((_event, next) => {
      const user = next?.user.id ?? null
      // Another person must not see the last one's rows for even a moment; what a guest saw is everybody's.
      if (lastUser && lastUser !== user) queries.clear()
      else if (lastUser === null && user) void queries.invalidateQueries()
      lastUser = user
      setSession(next)
    })
    return () => data.subscription.unsubscribe()
  }, [client, queries])
  const value = useMemo(() => ({ client, session }), [client, session])
  return (
    <ChairtimeContext value={value}>
      <QueryClientProvider client={queries}>{children}</QueryClientProvider>
    </ChairtimeContext>
  )
}

/** The client given to the nearest `ChairtimeProvider`. */
export function useChairtime(): ChairtimeClient {
  return useChairtimeContext().client
}

/** The session: `undefined` while it is being read, `null` when signed out. */
export function useSession(): Session | null | undefined {
  return useChairtimeContext().session
}

function useChairtimeContext(): Context {
  const context = useContext(ChairtimeContext)
  if (!context) throw new Error('Wrap the app in <ChairtimeProvider>.')
  return context
}
