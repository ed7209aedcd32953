import { describe, expect, it } from 'vitest'
import { ChairtimeError, type Message } from '../../../chairtime'
import { explainedResend, maySendAgain, skipWords, toldOf } from './words'

const now = Date.parse('2026-03-02T15:00:00Z')

const message = (more: Partial<Message>): Message => ({
  id: 'm',
  clinic_id: 'c',
  appointment_id: 'a',
  patient_id: 'p',
  kind: 'reminder',
  channel: 'sms',
  locale: 'en',
  due_at: '2026-03-02T14:00:00Z',
  state: 'planned',
  sent_at: null,
  error: null,
  reason: null,
  address: null,
  attempts: 0,
  starts_at: '2026-03-03T15:00:00Z',
  created_at: '2026-03-01T15:00:00Z',
  ...more,
})
const told = (more: Partial<Message>) => toldOf(message(more), 'America/New_York', now)
const may = (more: Partial<Message>) => maySendAgain(message(more), now)
const refused = (details: unknown) =>
  explainedResend(new ChairtimeError({ code: 'invalid_argument', message: '', details }), 'sms')

describe('what became of a message', () => {
  it('says whether it is still to come, or waits for who carries it', () => {
    expect(told({ due_at: '2026-03-03T12:00:00Z' })).toMatchObject({
      label: 'Planned',
      why: 'Goes out Tue, Mar 3, 7:00 AM.',
    })
    expect(told({})).toMatchObject({ label: 'Waiting' })
  })

  it('says why it was not sent, and does not say more of what nobody knows', () => {
    expect(told({ state: 'skipped', reason: 'opted_out' }).why).toBe('The patient wants no text messages.')
    expect(told({ state: 'failed', error: '550 unknown' }).why).toContain('550 unknown')
    expect(told({ state: 'unknown' })).toMatchObject({ label: 'Not sure', tone: 'warn' })
    expect(skipWords('no_contact', 'email')).toContain('email address')
  })

  it('offers to send again what may make sense', () => {
    expect(may({ state: 'failed' })).toBe(true)
    expect(may({ state: 'skipped', reason: 'no_contact' })).toBe(true)
    expect(may({ state: 'skipped', reason: 'superseded' })).toBe(false)
    expect(may({ state: 'planned' })).toBe(false)
    expect(may({ state: 'sent', kind: 'answer' })).toBe(false)
    expect(may({ state: 'failed', starts_at: '2026-03-02T14:30:00Z' })).toBe(false)
  })

  it('says why it would not be sent again', () => {
    expect(refused({ reason: 'cancelled' })).toBe('The visit is cancelled.')
    expect(refused(null)).toBeNull()
  })
})
