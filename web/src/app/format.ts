import { Temporal } from 'temporal-polyfill'

/** Days and times as people read them, always in a named zone. Days are `YYYY-MM-DD`. */

const formats = new Map<string, Intl.DateTimeFormat>()

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options)
  const known = formats.get(key) ?? new Intl.DateTimeFormat('en', { ...options, timeZone: zone })
  formats.set(key, known)
  return known
}

function ms(timestamp: string): number {
  return Temporal.Instant.from(timestamp).epochMilliseconds
}

/** `9:30 AM` */
export function clockTime(timestamp: string, zone: string): string {
  return format(zone, { hour: 'numeric', minute: '2-digit' }).format(ms(timestamp)).replace('\u202f', ' ')
}

/** `9:30 – 10:00 AM`; past midnight too only times, for the day stands beside them. */
export function timeRange(from: string, until: string, zone: string): string {
  if (dayOf(from, zone) !== dayOf(until, zone)) return `${clockTime(from, zone)} – ${clockTime(until, zone)}`
  return format(zone, { hour: 'numeric', minute: '2-digit' })
    .formatRange(ms(from), ms(until))
    .replaceAll('\u202f', ' ')
}

/** `Today 9:30 AM`, `Tue, Mar 3, 9:30 AM`: short, and sure about the day. */
export function nearTime(timestamp: string, zone: string): string {
  const time = clockTime(timestamp, zone)
  if (dayOf(timestamp, zone) === today(zone)) return `Today ${time}`
  const day = format(zone, { weekday: 'short', month: 'short', day: 'numeric' }).format(ms(timestamp))
  return `${day}, ${time}`
}

/** `Monday, March 2` */
export function longDay(timestamp: string, zone: string): string {
  return format(zone, { weekday: 'long', month: 'long', day: 'numeric' }).format(ms(timestamp))
}

/** The calendar day of an instant in a zone. */
export function dayOf(timestamp: string, zone: string): string {
  return Temporal.Instant.from(timestamp).toZonedDateTimeISO(zone).toPlainDate().toString()
}

/** The hour on the clock, 0 to 23, of an instant in a zone. */
export function hourOf(timestamp: string, zone: string): number {
  return Temporal.Instant.from(timestamp).toZonedDateTimeISO(zone).hour
}

/** The day that a text in an address names, or null: nothing but a real date of a year near ours is one. */
export function dayIn(text: string | null): string | null {
  if (!text || !/^(19|20|21)\d\d-\d\d-\d\d$/.test(text)) return null
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' }).toString()
  } catch {
    return null
  }
}

/** Today in a zone. */
export function today(zone: string): string {
  return Temporal.Now.plainDateISO(zone).toString()
}

export function addDays(day: string, days: number): string {
  return Temporal.PlainDate.from(day).add({ days }).toString()
}

/** The Monday of the day's week. */
export function mondayOf(day: string): string {
  return addDays(day, 1 - Temporal.PlainDate.from(day).dayOfWeek)
}

/** Parts of a plain day, written out: `{ weekday: 'Mon', number: '2', month: 'Mar' }`. */
export function dayParts(day: string): { weekday: string; number: string; month: string } {
  const noon = Date.parse(`${day}T12:00:00Z`)
  return {
    weekday: format('UTC', { weekday: 'short' }).format(noon),
    number: format('UTC', { day: 'numeric' }).format(noon),
    month: format('UTC', { month: 'short' }).format(noon),
  }
}

/** A plain day in words, `Monday, March 2`. */
export function dayInWords(day: string): string {
  return format('UTC', { weekday: 'long', month: 'long', day: 'numeric' }).format(
    Date.parse(`${day}T12:00:00Z`),
  )
}

/** `March 2 – 8, 2026` */
export function dayRange(from: string, until: string): string {
  const options = { month: 'long', day: 'numeric', year: 'numeric' } as const
  return format('UTC', options).formatRange(Date.parse(`${from}T12:00:00Z`), Date.parse(`${until}T12:00:00Z`))
}

/** The first instant at which the zone's clock shows that time (`HH:MM`) of the day, or a later one. */
export function instantAt(day: string, time: string, zone: string): string {
  const wall = Temporal.PlainDateTime.from(`${day}T${time}`)
  const first = wall.toZonedDateTime(zone, { disambiguation: 'earlier' })
  const isSkipped = !first.toPlainDateTime().equals(wall)
  return ((isSkipped && first.getTimeZoneTransition('next')) || first).toInstant().toString()
}

/** `HH:MM` of an instant in a zone, as a time input wants it. */
export function timeInput(timestamp: string, zone: string): string {
  return Temporal.Instant.from(timestamp)
    .toZonedDateTimeISO(zone)
    .toPlainTime()
    .toString({ smallestUnit: 'minute' })
}

/** `New York time (EST)` */
export function zoneName(zone: string, at: string): string {
  const city = (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')
  const short = format(zone, { timeZoneName: 'short' })
    .formatToParts(ms(at))
    .find((part) => part.type === 'timeZoneName')
  return `${city} time${short ? ` (${short.value})` : ''}`
}

/** The visitor's own zone. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone

/** True if the two zones show different clocks at the instant. */
export function zonesDiffer(zone: string, other: string, at: string): boolean {
  const instant = Temporal.Instant.from(at)
  return instant.toZonedDateTimeISO(zone).offset !== instant.toZonedDateTimeISO(other).offset
}

/** `4:05` */
export function minutesAndSeconds(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** `24 hours`, `2 days`, `90 minutes` */
export function spanInWords(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000)
  const [count, unit] =
    minutes % 1440 === 0 && minutes > 1440
      ? [minutes / 1440, 'day']
      : minutes % 60 === 0
        ? [minutes / 60, 'hour']
        : [minutes, 'minute']
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`
}

export const spanUnits = [
  { name: 'days', ms: 86_400_000 },
  { name: 'hours', ms: 3_600_000 },
  { name: 'minutes', ms: 60_000 },
] as const
export type SpanUnit = (typeof spanUnits)[number]['name']

/** A span as a number of the largest units that say it wholly, as forms edit it: `{ count: 36, unit: 'hours' }`. */
export function inUnits(milliseconds: number): { count: number; unit: SpanUnit } {
  const whole = spanUnits.find(({ ms }) => milliseconds > 0 && milliseconds % ms === 0)
  const { name, ms } = whole ?? spanUnits[2]
  return { count: milliseconds / ms, unit: name }
}

/** `45 min`, `1 h 30 min` */
export function duration(milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000)
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  if (hours === 0) return `${rest} min`
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}

/** A plain day with its year, `Mar 2, 1984`. */
export function shortDay(day: string): string {
  return format('UTC', { dateStyle: 'medium' }).format(Date.parse(`${day}T12:00:00Z`))
}

/** `Mon, Mar 2, 2026, 9:30 AM`: also where the year is another one. */
export function fullTime(timestamp: string, zone: string): string {
  const day = format(zone, { weekday: 'short', month: 'short', day: 'numeric', year: 'numeric' })
  return `${day.format(ms(timestamp))}, ${clockTime(timestamp, zone)}`
}

/** How old somebody is today in a zone, in whole years. */
export function ageOf(birthDate: string, zone: string): number {
  return Temporal.PlainDate.from(birthDate).until(today(zone), { largestUnit: 'years' }).years
}
