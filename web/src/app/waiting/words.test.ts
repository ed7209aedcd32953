import { describe, expect, it } from 'vitest'
import { waitsFor, wishIn } from './words'

const anything = {
  weekdays: null,
  from_time: null,
  to_time: null,
  from_date: '2026-03-02',
  to_date: '2026-04-30',
  dentist_ids: null,
  moves_appointment_id: null,
}
const names: Record<string, string> = { l: 'Lee', k: 'Kim' }
const said = (wish: Partial<typeof anything> | Record<string, unknown>, today = '2026-03-02') =>
  waitsFor({ ...anything, ...wish }, (id) => names[id], today)

describe('what somebody waits for', () => {
  it.each([
    [{}, 'Any day, with anybody, until Apr 30, 2026'],
    [{ weekdays: [1] }, 'Mondays, with anybody, until Apr 30, 2026'],
    [{ weekdays: [1, 3, 7] }, 'Mondays, Wednesdays and Sundays, with anybody, until Apr 30, 2026'],
    [
      { from_time: '09:00:00', to_time: '12:30:00' },
      'Any day, 9:00 AM – 12:30 PM, with anybody, until Apr 30, 2026',
    ],
    [{ from_time: '17:00:00' }, 'Any day, from 5:00 PM on, with anybody, until Apr 30, 2026'],
    [
      { from_time: '17:00:00', to_time: '24:00:00' },
      'Any day, from 5:00 PM on, with anybody, until Apr 30, 2026',
    ],
    [{ to_time: '12:00:00' }, 'Any day, until 12:00 PM, with anybody, until Apr 30, 2026'],
    [{ dentist_ids: ['l', 'k'] }, 'Any day, with Lee or Kim, until Apr 30, 2026'],
  ])('%j is worded', (wish, words) => {
    expect(said(wish)).toBe(words)
  })

  it('says from when, if that is ahead', () => {
    expect(said({}, '2026-03-01')).toBe('Any day, with anybody, from Mar 2, 2026 until Apr 30, 2026')
  })
})

describe('a form', () => {
  it('tells what is filled in, and that days and dentists are open', () => {
    const form = new FormData()
    form.append('from_time', '09:00')
    form.append('to_time', '')
    expect(wishIn(form)).toEqual({ weekdays: [], dentist_ids: [], from_time: '09:00' })
  })

  it('takes all days for any day', () => {
    const form = new FormData()
    for (let day = 1; day <= 7; day += 1) form.append('weekdays', String(day))
    form.append('dentist_ids', 'l')
    expect(wishIn(form)).toEqual({ weekdays: [], dentist_ids: ['l'] })
  })
})
