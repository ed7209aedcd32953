import { describe, expect, it } from 'vitest'
import { patchAppointments } from './appointments'
import { ChairtimeClient } from './client'
import { ServerClock } from './clock'
import { ChairtimeError, toChairtimeError } from './errors'
import { idempotent } from './idempotency'
import { event } from './testing/event'
import { intervalMs } from './time'

describe('errors', () => {
  it('carry the stable code, the hint and the parsed details', () => {
    const error = toChairtimeError(
      { code: 'slot_taken', message: 'Taken.', hint: 'Choose.', details: '[{"dentist_id":"d"}]' },
      409,
    )
    expect(error).toMatchObject({
      code: 'slot_taken',
      hint: 'Choose.',
      details: [{ dentist_id: 'd' }],
      status: 409,
    })
  })

  it.each([
    [{ message: 'Failed to fetch' }, 0, 'network'],
    [{ message: 'The server behind does not answer' }, 503, 'network'],
    [{ message: 'Too many requests' }, 429, 'network'],
    [{ code: 'booking_limit', message: 'Too many bookings.' }, 429, 'booking_limit'],
    [{ code: 'try_again', message: 'The calendar is busy at the moment.' }, 503, 'try_again'],
    [{ code: 'PGRST301', message: 'JWT expired' }, 401, 'not_authenticated'],
    [{ code: '42883', message: 'no function' }, 404, 'unexpected'],
  ])('without a code of the contract are named by what they mean', (refusal, status, code) => {
    expect(toChairtimeError(refusal, status).code).toBe(code)
  })
})

it('asks as nobody through one client, however often', () => {
  const client = new ChairtimeClient({ url: 'http://127.0.0.1:1', publishableKey: 'sb_publishable_none' })
  expect(client.asNobody()).toBe(client.asNobody())
  expect(client.asNobody()).not.toBe(client)
})

describe('a lost answer', () => {
  const lost = new ChairtimeError({ code: 'network', message: 'lost' })

  it('is asked for again with the same key', async () => {
    const keys: string[] = []
    const answer = await idempotent(async (key) => {
      keys.push(key)
      if (keys.length < 3) throw lost
      return 'booked'
    })
    expect(answer).toBe('booked')
    expect(new Set(keys).size).toBe(1)
  })

  it('is given up after three attempts', async () => {
    let calls = 0
    const never = idempotent(async () => {
      calls += 1
      throw lost
    })
    await expect(never).rejects.toBe(lost)
    expect(calls).toBe(3)
  })

  it('is not confused with a refusal', async () => {
    let calls = 0
    const refused = idempotent(async () => {
      calls += 1
      throw new ChairtimeError({ code: 'slot_taken', message: 'taken' })
    })
    await expect(refused).rejects.toMatchObject({ code: 'slot_taken' })
    expect(calls).toBe(1)
  })
})

it('counts by the server, whatever the device believes', () => {
  let ticks = 1000
  const clock = new ServerClock(() => ticks)
  clock.set('2030-01-01T00:00:00Z')
  ticks += 2500
  expect(new Date(clock.now()).toISOString()).toBe('2030-01-01T00:00:02.500Z')
})

it('never lets an older event overwrite a newer appointment', () => {
  const list = [
    { id: 'a', version: 3, starts_at: 'x', ends_at: 'y', status: 'booked' as const, dentist_id: 'd' },
  ]
  const stale = event(1, 1, { appointment_id: 'a', version: 2, status: 'cancelled' })
  expect(patchAppointments(list, stale)).toBe(list)
  expect(patchAppointments(list, { ...stale, version: 4 })[0]?.status).toBe('cancelled')
})

it('refuses a secret key', () => {
  const url = 'http://localhost'
  expect(() => new ChairtimeClient({ url, publishableKey: 'sb_secret_x' })).toThrow(/secret/)
})

it.each([
  ['00:45:00', 45],
  ['1 day 02:00:00', 26 * 60],
  ['90 days', 90 * 24 * 60],
])('reads the interval %s', (text, minutes) => expect(intervalMs(text)).toBe(minutes * 60_000))
