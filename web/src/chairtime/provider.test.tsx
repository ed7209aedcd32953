import type { Session } from '@supabase/supabase-js'
import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ChairtimeClient } from './client'
import { ChairtimeProvider, createQueryClient } from './provider'

const KEY = ['chairtime', 'appointments']
const ROWS = [{ id: 'a', notes: 'Afraid of drills' }]

type Listener = (event: string, session: Session | null) => void

let root: Root
let tell: Listener
const queries = createQueryClient()
const signIn = (user: string | null) =>
  act(async () => tell('SIGNED_IN', user ? ({ user: { id: user } } as Session) : null))

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  const auth = {
    onAuthStateChange: (listener: Listener) => {
      tell = listener
      return { data: { subscription: { unsubscribe: () => {} } } }
    },
  }
  const client = { supabase: { auth }, hub: {} } as unknown as ChairtimeClient
  root = createRoot(document.createElement('div'))
  await act(async () =>
    root.render(
      <ChairtimeProvider client={client} queryClient={queries}>
        {null}
      </ChairtimeProvider>,
    ),
  )
})

afterEach(async () => {
  await act(async () => root.unmount())
  queries.clear()
  vi.unstubAllGlobals()
})

it.each([
  ['signs out', null],
  ['makes room for somebody else', 'ben'],
])('forgets what a person saw when that person %s', async (_, next) => {
  await signIn('ana')
  queries.setQueryData(KEY, ROWS)
  await signIn(next)
  expect(queries.getQueryData(KEY)).toBeUndefined()
})

it('keeps what a person saw when their token is renewed', async () => {
  await signIn('ana')
  queries.setQueryData(KEY, ROWS)
  await signIn('ana')
  expect(queries.getQueryData(KEY)).toBe(ROWS)
  expect(queries.getQueryState(KEY)?.isInvalidated).toBe(false)
})

it('shows a guest who signs in what everybody sees, and asks anew', async () => {
  await signIn(null)
  queries.setQueryData(KEY, ROWS)
  await signIn('ana')
  expect(queries.getQueryData(KEY)).toBe(ROWS)
  expect(queries.getQueryState(KEY)?.isInvalidated).toBe(true)
})
