import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ChairtimeClient } from './client'

const asked: string[] = []

/** A client in front of read replicas, whose requests come to nothing and are written down. */
function client(readUrl?: string): ChairtimeClient {
  asked.length = 0
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init?: RequestInit) => {
    asked.push(`${init?.method} ${String(input).split('?')[0]}`.replace(url, 'primary'))
    return Response.json([])
  })
  const url = `http://${crypto.randomUUID()}.localhost`
  return new ChairtimeClient({ url, readUrl, publishableKey: 'sb_publishable_x' })
}

const wish = { appointment_type_id: 'check-up', from_date: '2027-01-04' }
const balancer = 'http://all.localhost'

beforeEach(() => localStorage.clear())
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

it('asks the load balancer for what may be late, and the primary for all else', async () => {
  const chairtime = client(balancer)
  await chairtime.late('available_slots', wish)
  await chairtime.rpc('available_slots', wish)
  await chairtime.rows('clinics')
  expect(asked).toEqual([
    `GET ${balancer}/rest/v1/rpc/available_slots`,
    'POST primary/rest/v1/rpc/available_slots',
    'GET primary/rest/v1/clinics',
  ])
})

it('asks the one address there is where there is no load balancer', async () => {
  await client().late('available_slots', wish)
  expect(asked).toEqual(['GET primary/rest/v1/rpc/available_slots'])
})

it('shows who has just done something what they did', async () => {
  const chairtime = client(balancer)
  await chairtime.rpc('me')
  await chairtime.rpc('release_reservation', { reservation_id: 'r' })
  await chairtime.late('available_slots', wish)
  expect(asked.at(-1)).toBe('POST primary/rest/v1/rpc/available_slots')
})

it('shows it after the page is loaded anew, and takes lists late again when a replica has surely heard', async () => {
  vi.useFakeTimers()
  await client(balancer).rpc('release_reservation', { reservation_id: 'r' })
  vi.advanceTimersByTime(9_999)
  await client(balancer).late('next_slots', { appointment_type_id: 'check-up' })
  expect(asked).toEqual(['POST primary/rest/v1/rpc/next_slots'])
  vi.advanceTimersByTime(1)
  await client(balancer).late('next_slots', { appointment_type_id: 'check-up' })
  expect(asked).toEqual([`GET ${balancer}/rest/v1/rpc/next_slots`])
})
