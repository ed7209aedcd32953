import type { Wish } from '../../chairtime'
import { clockTime, nearTime, shortDay } from '../format'

/** ISO: 1 is Monday. */
export const weekdayNames = [
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
  'Sunday',
] as const

type Wished = Pick<
  Wish,
  'weekdays' | 'from_time' | 'to_time' | 'from_date' | 'to_date' | 'dentist_ids' | 'moves_appointment_id'
>

/** What somebody waits for: `Mondays and Fridays, 9:00 AM – 12:00 PM, with Lee; until Mar 2, 2026`. */
export function waitsFor(
  wish: Wished,
  nameOf: (dentistId: string) => string | undefined,
  today: string,
): string {
  const days = wish.weekdays
    ? listed(
        wish.weekdays.map((day) => `${weekdayNames[day - 1]}s`),
        'and',
      )
    : 'Any day'
  const names = wish.dentist_ids?.map(nameOf).filter((name) => name !== undefined)
  const from = wish.from_date > today ? `from ${shortDay(wish.from_date)} ` : ''
  return [
    days,
    hoursOf(wish.from_time, wish.to_time),
    names?.length ? `with ${listed(names, 'or')}` : 'with anybody',
    `${from}until ${shortDay(wish.to_date)}`,
  ]
    .filter(Boolean)
    .join(', ')
}

function hoursOf(from: string | null, to: string | null): string {
  const until = to?.startsWith('24:00') ? null : to
  if (from && until) return `${timeOfDay(from)} – ${timeOfDay(until)}`
  if (from) return `from ${timeOfDay(from)} on`
  return until ? `until ${timeOfDay(until)}` : ''
}

function timeOfDay(time: string): string {
  return clockTime(`2000-01-01T${time.slice(0, 5)}:00Z`, 'UTC')
}

function listed(things: string[], word: 'and' | 'or'): string {
  const last = things.at(-1) ?? ''
  return things.length < 2 ? last : `${things.slice(0, -1).join(', ')} ${word} ${last}`
}

/** A time within a sentence: `today 9:30 AM`, `Tue, Mar 3, 9:30 AM`. */
export function soon(timestamp: string, zone: string): string {
  return nearTime(timestamp, zone).replace('Today', 'today')
}

/** How a wish is worded in the form, as the API takes it; what is left empty is open. */
export function wishIn(form: FormData) {
  const text = (name: string) => String(form.get(name) ?? '')
  const weekdays = form.getAll('weekdays').map(Number)
  const dentistIds = form.getAll('dentist_ids').map(String)
  return {
    // Empty is told, too: who asks again may want any day now.
    weekdays: weekdays.length === 7 ? [] : weekdays,
    dentist_ids: dentistIds,
    ...optional('from_date', text('from_date')),
    ...optional('to_date', text('to_date')),
    ...optional('from_time', text('from_time')),
    ...optional('to_time', text('to_time')),
  }
}

function optional(name: string, value: string): Record<string, string> {
  return value === '' ? {} : { [name]: value }
}
