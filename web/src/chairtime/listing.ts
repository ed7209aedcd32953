import type { ChairtimeClient } from './client'
import { ChairtimeError } from './errors'
import type { Slot } from './model'

/** What is asked of `available_slots`; days are the clinic's, `YYYY-MM-DD`. */
export interface Listing {
  appointment_type_id: string
  from_date: string
  to_date: string
  dentist_id?: string
  appointment_id?: string
}

type Asked = Pick<ChairtimeClient, 'rpc' | 'late' | 'rows'>

/**
 * All free slots of a listing. What has no room in one answer is asked for in several, as the refusal says. A list that may be `late`
 * comes from a read replica, where there is one: booking what is no longer free there is refused with alternatives.
 */
export async function listSlots(client: Asked, listing: Listing, late = false): Promise<Slot[]> {
  try {
    return await (late ? client.late('available_slots', listing) : client.rpc('available_slots', listing))
  } catch (error) {
    const fits = roomUntil(error)
    if (fits === undefined) throw error
    const parts = fits === null ? await byDentist(client, listing) : inTwo(listing, fits)
    if (!parts) throw error
    // One after another: each may have to be split again.
    const found: Slot[] = []
    for (const part of parts) found.push(...(await listSlots(client, part, late)))
    return found.toSorted(byTime)
  }
}

/** Until which day the answer would be whole; null: not even one day; undefined: that was not the trouble. */
function roomUntil(error: unknown): string | null | undefined {
  if (!(error instanceof ChairtimeError) || error.code !== 'invalid_argument') return undefined
  const details = error.details as { to_date?: string | null } | null
  return details !== null && typeof details === 'object' ? details.to_date : undefined
}

function byTime(a: Slot, b: Slot): number {
  return Date.parse(a.starts_at) - Date.parse(b.starts_at)
}

function inTwo(listing: Listing, until: string): Listing[] {
  const next = new Date(Date.parse(`${until}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
  return [
    { ...listing, to_date: until },
    { ...listing, from_date: next },
  ]
}

async function byDentist(client: Pick<ChairtimeClient, 'rows'>, listing: Listing): Promise<Listing[] | null> {
  if (listing.dentist_id) return null
  const [type] = await client.rows('appointment_types', (q) => q.eq('id', listing.appointment_type_id))
  const dentists = type ? await client.rows('dentists', (q) => q.eq('clinic_id', type.clinic_id)) : []
  const active = dentists.filter((dentist) => dentist.is_active)
  return active.map(({ id }) => ({ ...listing, dentist_id: id }))
}
