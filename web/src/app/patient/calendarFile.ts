import { type Appointment, epoch } from '../../chairtime'

/** An appointment as an iCalendar file (RFC 5545), as a URL to download from. */
export function calendarFile(appointment: Appointment, title: string): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Chairtime//EN',
    'BEGIN:VEVENT',
    `UID:${appointment.id}`,
    `SEQUENCE:${appointment.version}`,
    `DTSTAMP:${stamp(appointment.updated_at)}`,
    `DTSTART:${stamp(appointment.starts_at)}`,
    `DTEND:${stamp(appointment.ends_at)}`,
    `SUMMARY:${title.replace(/([\\;,])/g, '\\$1')}`,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ]
  return `data:text/calendar;charset=utf-8,${encodeURIComponent(lines.join('\r\n'))}`
}

function stamp(timestamp: string): string {
  return new Date(epoch(timestamp)).toISOString().replace(/[-:]|\.\d+/g, '')
}
