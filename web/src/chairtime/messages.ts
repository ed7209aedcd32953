import type { ChairtimeClient } from './client'
import type { Message } from './model'
import { epoch } from './time'

/** Whether a message is being sent, or is about to be. */
export function isOnItsWay(now: number): (message: Pick<Message, 'state' | 'due_at'>) => boolean {
  return ({ state, due_at }) => state === 'leased' || (state === 'planned' && epoch(due_at) <= now)
}

/** The names of patients, by id; those who may not be seen are left out. */
export async function patientNames(
  client: ChairtimeClient,
  ids: (string | null)[],
): Promise<Map<string, string>> {
  const wanted = [...new Set(ids.filter((id) => id !== null))]
  if (wanted.length === 0) return new Map()
  const patients = await client.rows('patients', (rows) => rows.in('id', wanted))
  return new Map(patients.map(({ id, full_name }) => [id, full_name]))
}
