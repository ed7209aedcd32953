import type { HistoryEntry } from '../../../chairtime'
import { fullTime } from '../../format'

/** What was done to an appointment, in words. */

export interface Telling {
  zone: string
  /** Who reads it. */
  userId: string | undefined
  dentistName(id: string): string
  /** What it was booked for. */
  startsAt: string
}

export interface Told {
  text: string
  /** What somebody wrote. */
  note?: string
}

export function wordsOf(entry: HistoryEntry, telling: Telling): Told {
  const by = whoOf(entry, telling.userId)
  switch (entry.action) {
    case 'booked':
      return { text: `Booked by ${by}, for ${fullTime(telling.startsAt, telling.zone)}` }
    case 'moved':
      return { text: `Moved by ${by}${places(entry, telling)}` }
    case 'resized':
      return { text: `Length changed by ${by}${span(entry, 'ends_at', telling.zone, 'its end ')}` }
    case 'resource_changed':
      return { text: `What it takes (chair, people) changed by ${by}` }
    case 'notes_changed':
      return notes(entry, by)
    case 'merged':
      return { text: `Moved here by ${by} from another record of the patient` }
    case 'confirmed':
      return { text: `Coming confirmed by ${by}` }
    case 'cancelled':
      return withNote(`Cancelled by ${by}`, 'Reason', entry.changes['cancellation_reason']?.[1])
    case 'checked_in':
      return { text: `${before(entry) === 'fulfilled' ? 'Set back to checked in' : 'Checked in'} by ${by}` }
    case 'fulfilled':
      return { text: `Marked as done by ${by}` }
    case 'no_show':
      return { text: `Marked as missed by ${by}` }
    case 'reopened':
      return { text: `${before(entry) === 'cancelled' ? 'Booked again' : 'Set back to booked'} by ${by}` }
    case 'changed':
      return { text: `Changed by ${by}` }
    case 'deleted':
      return { text: `Deleted by ${by}` }
  }
}

/** What an appointment was booked for, where it was moved since. */
export function bookedFor(history: HistoryEntry[]): string | undefined {
  const moved = history.find(({ changes }) => changes['starts_at'])
  return moved?.changes['starts_at']?.[0] as string | undefined
}

function whoOf({ role, actor, actor_name: name }: HistoryEntry, userId: string | undefined): string {
  if (actor !== null && actor === userId) return 'you'
  switch (role) {
    case 'patient':
      if (actor === null) return 'the patient, by a link or a text message'
      return `${name ?? 'the patient'} online`
    case 'guest':
      return `${name ?? 'a guest'} online, without an account`
    case 'receptionist':
    case 'admin':
      return name ? `the desk (${name})` : 'the desk'
    case 'dentist':
      return name ?? 'a dentist'
    case 'chatbot':
      return name ? `the chatbot (${name})` : 'the chatbot'
    case 'service':
      return 'a connected system'
    case 'worker':
      return 'Chairtime itself'
    case 'sql':
      return 'somebody with access to the database'
  }
}

function places(entry: HistoryEntry, { zone, dentistName }: Telling): string {
  const [from, to] = (entry.changes['dentist_id'] ?? []) as string[]
  const time = span(entry, 'starts_at', zone)
  return time + (from && to ? `${time && ','} from ${dentistName(from)} to ${dentistName(to)}` : '')
}

/** ` from … to …`, where that changed. */
function span({ changes }: HistoryEntry, column: string, zone: string, what = ''): string {
  const [from, to] = (changes[column] ?? []) as string[]
  return from && to ? `${what && ','} ${what}from ${fullTime(from, zone)} to ${fullTime(to, zone)}` : ''
}

function notes({ changes }: HistoryEntry, by: string): Told {
  const [of, change] = changes['staff_notes']
    ? ['Staff notes', changes['staff_notes']]
    : ['Notes', changes['notes']]
  return withNote(`${of} ${change?.[1] ? 'written' : 'removed'} by ${by}`, of, change?.[1])
}

function withNote(text: string, label: string, note: unknown): Told {
  return typeof note === 'string' && note !== '' ? { text, note: `${label}: ${note}` } : { text }
}

function before({ changes }: HistoryEntry): unknown {
  return changes['status']?.[0]
}
