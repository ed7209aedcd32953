import { describe, expect, it } from 'vitest'
import type { HistoryEntry } from '../../../chairtime'
import { bookedFor, wordsOf } from './history'

const at = (time: string) => `2026-03-02T${time}:00+00:00`

function told(more: Partial<HistoryEntry>): string {
  const entry: HistoryEntry = {
    at: at('12:00'),
    actor: 'ana',
    actor_name: 'Ana Ferreira',
    role: 'patient',
    via: 'book_appointment',
    action: 'booked',
    changes: {},
    ...more,
  }
  const { text, note } = wordsOf(entry, {
    zone: 'America/New_York',
    userId: 'me',
    dentistName: (id) => id.toUpperCase(),
    startsAt: at('15:00'),
  })
  return note ? `${text} | ${note}` : text
}

const who = (more: Partial<HistoryEntry>) => told({ action: 'fulfilled', ...more })

describe('what was done to an appointment', () => {
  it('says who, as what they did it', () => {
    expect(who({})).toBe('Marked as done by Ana Ferreira online')
    expect(who({ actor: 'me' })).toBe('Marked as done by you')
    expect(who({ actor_name: null })).toBe('Marked as done by the patient online')
    expect(told({ action: 'confirmed', actor: null, actor_name: null })).toBe(
      'Coming confirmed by the patient, by a link or a text message',
    )
    expect(who({ role: 'guest' })).toBe('Marked as done by Ana Ferreira online, without an account')
    expect(who({ role: 'receptionist' })).toBe('Marked as done by the desk (Ana Ferreira)')
    expect(who({ role: 'dentist' })).toBe('Marked as done by Ana Ferreira')
    expect(who({ role: 'chatbot', actor_name: null })).toBe('Marked as done by the chatbot')
    expect(who({ role: 'worker', actor: null })).toBe('Marked as done by Chairtime itself')
    expect(who({ role: 'sql', actor: null })).toContain('access to the database')
  })

  it('says what changed, in the zone of the clinic', () => {
    const starts_at: [string, string] = [at('15:00'), at('16:00')]
    expect(told({})).toBe('Booked by Ana Ferreira online, for Mon, Mar 2, 2026, 10:00 AM')
    expect(told({ action: 'moved', changes: { starts_at } })).toBe(
      'Moved by Ana Ferreira online from Mon, Mar 2, 2026, 10:00 AM to Mon, Mar 2, 2026, 11:00 AM',
    )
    expect(told({ action: 'moved', changes: { dentist_id: ['lee', 'other'] } })).toBe(
      'Moved by Ana Ferreira online from LEE to OTHER',
    )
    expect(told({ action: 'resized', changes: { ends_at: starts_at } })).toMatch(
      /^Length changed by .*, its end from .* to .*11:00 AM$/,
    )
    expect(told({ action: 'cancelled', changes: { cancellation_reason: [null, 'Ill'] } })).toMatch(
      /\| Reason: Ill$/,
    )
    expect(told({ action: 'notes_changed', changes: { staff_notes: ['Late', null] } })).toMatch(
      /^Staff notes removed/,
    )
    expect(told({ action: 'reopened', changes: { status: ['cancelled', 'booked'] } })).toMatch(
      /^Booked again/,
    )
    expect(told({ action: 'checked_in', changes: { status: ['fulfilled', 'checked_in'] } })).toMatch(
      /^Set back/,
    )
  })

  it('finds what was booked at first', () => {
    const moved = { changes: { starts_at: [at('15:00'), at('16:00')] } } as unknown as HistoryEntry
    expect(bookedFor([{ ...moved, changes: {} }, moved])).toBe(at('15:00'))
    expect(bookedFor([])).toBeUndefined()
  })
})
