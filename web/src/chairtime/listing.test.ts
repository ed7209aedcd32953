import { describe, expect, it } from 'vitest'
import { ChairtimeError } from './errors'
import { type Listing, listSlots } from './listing'
import type { Slot } from './model'

const DENTISTS = ['ada', 'bob', 'eve']
const ROOM = 10

const dayAfter = (day: string, n: number) =>
  new Date(Date.parse(`${day}T00:00:00Z`) + n * 86_400_000).toISOString().slice(0, 10)

/** A server with so many slots a dentist and day, which refuses what has no room, as the real one does. */
function server(aDay: number) {
  const asked: Listing[] = []
  const askedLate: Listing[] = []
  const answer = (listing: Listing): Slot[] => {
    asked.push(listing)
    const found: Slot[] = []
    for (let day = listing.from_date; day <= listing.to_date; day = dayAfter(day, 1)) {
      for (let n = 0; n < aDay; n++) {
        for (const dentist_id of listing.dentist_id ? [listing.dentist_id] : DENTISTS) {
          const starts_at = `${day}T${String(n).padStart(2, '0')}:00:00Z`
          found.push({ dentist_id, starts_at, ends_at: starts_at })
        }
      }
    }
    if (found.length <= ROOM) return found
    const full = (found[ROOM] as Slot).starts_at.slice(0, 10)
    const to_date = full > (found[0] as Slot).starts_at.slice(0, 10) ? dayAfter(full, -1) : null
    throw new ChairtimeError({ code: 'invalid_argument', message: 'too many', details: { to_date } })
  }
  const client = {
    rpc: async (_: string, listing: Listing) => answer(listing),
    late: async (_: string, listing: Listing) => {
      askedLate.push(listing)
      return answer(listing)
    },
    rows: async (view: string) =>
      view === 'dentists'
        ? [...DENTISTS.map((id) => ({ id, is_active: true })), { id: 'gone', is_active: false }]
        : [{ id: 'check-up', clinic_id: 'clinic' }],
  }
  return { asked, askedLate, client: client as unknown as Parameters<typeof listSlots>[0] }
}

const week = { appointment_type_id: 'check-up', from_date: '2027-01-04', to_date: '2027-01-10' }

describe('a listing', () => {
  it('that has room is asked for once', async () => {
    const { asked, client } = server(0)
    expect(await listSlots(client, week)).toEqual([])
    expect(asked).toHaveLength(1)
  })

  it('is late in all its parts where it may be, and nowhere else', async () => {
    for (const late of [true, false]) {
      const { asked, askedLate, client } = server(2)
      await listSlots(client, week, late)
      expect(asked.length).toBeGreaterThan(2)
      expect(askedLate).toEqual(late ? asked : [])
    }
  })

  it('that has no room comes in as many answers as it takes, whole and in order', async () => {
    for (const aDay of [1, 2, 3]) {
      const { client } = server(aDay)
      const found = await listSlots(client, week)
      expect(found).toHaveLength(7 * aDay * DENTISTS.length)
      expect(new Set(found.map((slot) => slot.dentist_id + slot.starts_at)).size).toBe(found.length)
      expect(found.map((slot) => slot.starts_at)).toEqual(found.map((slot) => slot.starts_at).toSorted())
    }
  })

  it('of a day that has no room is asked for dentist by dentist', async () => {
    const { asked, client } = server(4)
    expect(await listSlots(client, week)).toHaveLength(7 * 4 * 3)
    expect(new Set(asked.map((listing) => listing.dentist_id))).toEqual(new Set([undefined, ...DENTISTS]))
  })

  it('that cannot be split is refused, and so is what was wrong otherwise', async () => {
    await expect(listSlots(server(11).client, week)).rejects.toThrow('too many')
    const wrong = new ChairtimeError({ code: 'not_found', message: 'no such type' })
    const client = { rpc: () => Promise.reject(wrong), rows: () => Promise.resolve([]) }
    await expect(listSlots(client as never, week)).rejects.toThrow('no such type')
  })
})
