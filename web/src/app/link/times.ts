import type { Slot } from '../../chairtime'
import { dayOf } from '../format'

/** Days and times by the clinic's clock in the language of the message. Digits are Western, as in the messages. */
export interface Times {
  /** `Monday, March 2, 2026` */
  day(timestamp: string): string
  /** `9:30 AM` */
  time(timestamp: string): string
}

export function timesIn(locale: string, zone: string): Times {
  const format = (options: Intl.DateTimeFormatOptions) => {
    const written = new Intl.DateTimeFormat(`${locale}-u-nu-latn`, { ...options, timeZone: zone })
    return (timestamp: string) => written.format(new Date(timestamp)).replaceAll(/[\u202f\u00a0]/g, ' ')
  }
  return { day: format({ dateStyle: 'full' }), time: format({ timeStyle: 'short' }) }
}

/** The free times of each day that has some, by the clinic's days, with whomever; the visit's own time is none. */
export function freeDays(
  slots: Slot[],
  current: string | null,
  zone: string,
): [day: string, starts: string[]][] {
  const days = new Map<string, string[]>()
  for (const { starts_at } of slots) {
    if (current !== null && Date.parse(starts_at) === Date.parse(current)) continue
    const day = dayOf(starts_at, zone)
    const starts = days.get(day) ?? []
    if (starts.at(-1) !== starts_at) days.set(day, [...starts, starts_at])
  }
  return [...days]
}
