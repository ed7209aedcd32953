import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { ChairtimeError, useChairtime, useSession } from '../chairtime'

/** Why somebody is asked to sign in who was signed in a moment ago. */
export type Ending = 'out' | 'ended' | 'gone'

export const ACCOUNT_GONE = 'account_gone'

/** The way to sign in, and back to where one is. */
export function signInPath(why?: Ending): string {
  const search = new URLSearchParams({ ...(why ? { why } : {}), next: location.pathname + location.search })
  return `/sign-in?${search}`
}

/**
 * Ends a session that the server refuses, whatever query or action it was refused to: once, signed out on this device,
 * and off to the sign-in page, which says why.
 */
export function useEndOfSession(): void {
  const client = useChairtime()
  const queries = useQueryClient()
  const isSignedIn = Boolean(useSession())
  const [, navigate] = useLocation()
  useEffect(() => {
    if (!isSignedIn) return
    let hasEnded = false
    const end = async (error: unknown) => {
      if (hasEnded || !isRefusal(error)) return
      hasEnded = true
      const path = signInPath(error.details === ACCOUNT_GONE ? 'gone' : 'ended')
      await client.supabase.auth.signOut({ scope: 'local' })
      navigate(path, { replace: true })
    }
    const noticed = (event: { type: string; action?: unknown }) => {
      const action = event.action as { type: string; error?: unknown } | undefined
      if (event.type === 'updated' && action?.type === 'error') void end(action.error)
    }
    const stops = [queries.getQueryCache().subscribe(noticed), queries.getMutationCache().subscribe(noticed)]
    return () => stops.forEach((stop) => stop())
  }, [client, queries, isSignedIn, navigate])
}

function isRefusal(error: unknown): error is ChairtimeError {
  return error instanceof ChairtimeError && error.code === 'not_authenticated'
}
