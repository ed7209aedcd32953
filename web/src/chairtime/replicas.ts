import type { RpcName } from './model'

/** What may be asked of a read replica; arguments are few and short enough for an address. */
export type LateRpc = 'available_slots' | 'next_slots' | 'explain_slot'

/** The functions that change nothing: after any other, who called it must see what it did. */
const READS: ReadonlySet<RpcName> = new Set([
  'absence_worklist',
  'appointment_history',
  'available_slots',
  'clinic_day',
  'clinic_time',
  'due_recalls',
  'events_since',
  'explain_slot',
  'get_availability',
  'health',
  'longest_answer',
  'me',
  'message_contacts',
  'next_slots',
  'next_steps',
  'preview_message',
  'search_patients',
  'similar_patients',
  'unconfirmed',
])

/** Milliseconds after which a replica has surely heard of a change. */
const LAG = 10_000

/** When somebody last changed something in this browser: in another tab, too, or before the page was loaded anew. */
const ACTED = 'chairtime.acted'

/** Notes that a function was called, if it changes something. */
export function noteCall(name: RpcName): void {
  if (READS.has(name)) return
  try {
    localStorage.setItem(ACTED, String(Date.now()))
  } catch {
    // A browser that keeps nothing is no reason not to book.
  }
}

/** Whether somebody may be told something late: not while they expect to see what they have just done. */
export function mayBeLate(): boolean {
  try {
    return Math.abs(Date.now() - Number(localStorage.getItem(ACTED))) >= LAG
  } catch {
    return false
  }
}

/** Sends what is asked with GET of a function to `readUrl`, the load balancer, and all else where it was going. */
export function balanced(url: string, readUrl: string | undefined): typeof fetch {
  const functions = `${url.replace(/\/$/, '')}/rest/v1/rpc/`
  return (input, init) => {
    const asked = input instanceof Request ? input.url : String(input)
    if (!readUrl || init?.method !== 'GET' || !asked.startsWith(functions)) return fetch(input, init)
    return fetch(`${readUrl.replace(/\/$/, '')}/rest/v1/rpc/${asked.slice(functions.length)}`, init)
  }
}
