import { describe, expect, it } from 'vitest'
import { ChairtimeError, type ErrorCode } from '../../chairtime'
import { offerRefusalIn, pageFor, refusalIn } from './refusals'
import { freeDays, timesIn } from './times'
import { en } from './words/en'

describe('times', () => {
  it('are shown once, whoever is free then', () => {
    const at = '2026-03-02T14:30:00+00:00'
    const slots = ['a', 'b'].map((dentist_id) => ({ dentist_id, starts_at: at, ends_at: at }))
    expect(freeDays(slots, null, 'UTC')).toEqual([['2026-03-02', [at]]])
  })

  it.each([
    ['en', 'Monday, March 2, 2026', '2:30 PM'],
    ['de', 'Montag, 2. März 2026', '14:30'],
    ['es', 'lunes, 2 de marzo de 2026', '14:30'],
    ['fr', 'lundi 2 mars 2026', '14:30'],
    ['ja', '2026年3月2日月曜日', '14:30'],
    ['ar', 'الاثنين، 2 مارس 2026', '2:30 م'],
  ])('are written in %s as the messages write them, by the clinic’s clock', (locale, day, time) => {
    const times = timesIn(locale, 'America/New_York')
    expect([times.day('2026-03-02T19:30:00Z'), times.time('2026-03-02T19:30:00Z')]).toEqual([day, time])
  })

  it('fall on the clinic’s days, and the visit’s own is none of them', () => {
    const starts = ['2026-03-02T14:30:00+00:00', '2026-03-02T15:00:00+00:00', '2026-03-02T15:30:00+00:00']
    const slots = starts.map((starts_at) => ({ dentist_id: 'd', starts_at, ends_at: starts_at }))
    expect(freeDays(slots, '2026-03-02T09:30:00-05:00', 'Asia/Tokyo')).toEqual([
      ['2026-03-03', starts.slice(1)],
    ])
  })
})

function error(code: ErrorCode, status: number): ChairtimeError {
  return new ChairtimeError({ code, message: 'No.', status })
}

describe('a refusal', () => {
  it('shows one page for every link that does not open', () => {
    const codes = [error('not_found', 404), error('invalid_argument', 422), error('unexpected', 400)]
    expect(codes.map(pageFor)).toEqual(['invalid', 'invalid', 'invalid'])
    expect(pageFor(error('booking_limit', 429))).toBe('tooMany')
    expect(pageFor(error('unexpected', 500))).toBe('broken')
    expect(pageFor(new Error('a bug'))).toBe('broken')
  })

  it('is told in the language of the page', () => {
    expect(refusalIn(en, error('slot_taken', 409))).toBe(en.refusals.taken)
    expect(refusalIn(en, error('too_late_to_cancel', 409))).toBe(en.refusals.tooLate)
    expect(refusalIn(en, error('invalid_argument', 422))).toBe(en.refusals.note)
    expect(refusalIn(en, new Error('a bug'))).toBe(en.refusals.unexpected)
  })

  it('of an offer tells nobody to choose another time', () => {
    const codes = ['slot_taken', 'reservation_expired', 'invalid_transition', 'notice_too_short'] as const
    expect(codes.map((code) => offerRefusalIn(en, error(code, 409)))).toEqual(
      Array(4).fill(en.refusals.lapsed),
    )
    expect(offerRefusalIn(en, error('patient_busy', 409))).toBe(en.refusals.busyPatient)
    expect(offerRefusalIn(en, error('try_again', 503))).toBe(en.refusals.busy)
  })
})
