import { describe, expect, it } from 'vitest'
import type { Clinic } from '../../chairtime'
import { dayIn, spanInWords } from '../format'
import { offersByDay } from './offers'
import { changeRule, changeRuleFor } from './rules'

const slot = (starts_at: string, taken = false) => ({
  dentist_id: 'lee',
  starts_at,
  ends_at: starts_at,
  taken,
})

const clinic = (cancellation_notice: string, cancel_grace = '00:00:00') =>
  ({ name: 'Riverside', cancellation_notice, cancel_grace }) as Clinic

const NOON = '2026-03-03T12:00:00Z'
/** What is told so many hours before. */
const rule = (hours: number, grace?: string) =>
  changeRuleFor(NOON, Date.parse(NOON) - hours * 3_600_000, clinic('1 day', grace))

describe('the offers of a week', () => {
  // Nine in the morning in Tokyo is the evening before in New York.
  const nine = slot('2026-03-03T00:00:00Z')

  it('stand on the day and in the part of the day of the clock that is shown', () => {
    expect([...offersByDay([nine], 'Asia/Tokyo')]).toEqual([
      ['2026-03-03', [{ slot: nine, part: 'Morning' }]],
    ])
    expect([...offersByDay([nine], 'America/New_York')]).toEqual([
      ['2026-03-02', [{ slot: nine, part: 'Evening' }]],
    ])
  })

  it('are one for all dentists, free while one of them is', () => {
    const others = { ...nine, dentist_id: 'other' }
    const offers = offersByDay([{ ...nine, taken: true }, others], 'Asia/Tokyo')
    expect(offers.get('2026-03-03')).toEqual([{ slot: others, part: 'Morning' }])
  })
})

describe('the clinic’s rules', () => {
  it('are told as they are', () => {
    expect(changeRule(clinic('24:00:00'))).toContain('until 24 hours before')
    expect(changeRule(clinic('2 days'))).toContain('until 2 days before')
    expect(changeRule(clinic('1 mon'))).toContain('until 30 days before')
    expect(changeRule(clinic('00:00:00'))).toContain('until it starts')
  })

  it('are told of what starts soon', () => {
    expect(rule(25)).toContain('until 24 hours before')
    expect(rule(23)).toContain('only Riverside can still move')
    expect(rule(23, '00:15:00')).toContain('for 15 minutes after booking, then only Riverside can still move')
  })
})

describe('words', () => {
  it('name a day only where one is', () => {
    expect(dayIn('2028-02-29')).toBe('2028-02-29')
    for (const none of [
      null,
      '',
      'garbage',
      '2027-02-29',
      '2027-99-99',
      '0000-01-01',
      '9999-12-31',
      '2027-1-1',
      '20270101',
    ])
      expect(dayIn(none)).toBeNull()
  })

  it('say a span in its largest whole unit', () => {
    const hour = 3_600_000
    expect([hour, 24 * hour, 48 * hour, 1.5 * hour].map(spanInWords)).toEqual([
      '1 hour',
      '24 hours',
      '2 days',
      '90 minutes',
    ])
  })
})
