import ical, { ICalCalendarMethod } from 'ical-generator'
import { epoch } from '../chairtime'

interface Entry {
  id: string
  version: number
  starts_at: string
  ends_at: string
}

/**
 * A visit as an iCalendar file (RFC 5545), as a URL to download from. Its id and version are those of the messages about it, so a
 * calendar that has it already updates it in place.
 */
export function calendarFile(visit: Entry, title: string, place?: string | null): string {
  const calendar = ical({
    // Its minus sign is the library's.
    prodId: '//Chairtime//EN',
    method: ICalCalendarMethod.PUBLISH,
  })
  calendar.createEvent({
    id: visit.id,
    sequence: visit.version,
    start: new Date(epoch(visit.starts_at)),
    end: new Date(epoch(visit.ends_at)),
    summary: title,
    ...(place ? { location: place } : {}),
  })
  return `data:text/calendar;charset=utf-8,${encodeURIComponent(calendar.toString())}`
}
