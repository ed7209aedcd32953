import { type Appointment, type AppointmentType, type Clinic, epoch, intervalMs } from '../../chairtime'
import { spanInWords } from '../format'

/** What a clinic lets patients do themselves, said before it is refused. The rules are the server's; this only tells them. */

/** Until when, in milliseconds since the epoch, a patient may move or cancel what starts then. */
export function changeableUntil(startsAt: string, clinic: Clinic): number {
  return epoch(startsAt) - intervalMs(clinic.cancellation_notice)
}

/** The clinic's rule in a sentence. */
export function changeRule(clinic: Clinic): string {
  const notice = intervalMs(clinic.cancellation_notice)
  return notice === 0
    ? 'You can move or cancel it here until it starts.'
    : `You can move or cancel it here until ${spanInWords(notice)} before it starts.`
}

/**
 * The type whose free times are shown for an appointment that is moved: its own, or, where that has ended, the shortest
 * in which the appointment finds room, for it keeps its length.
 */
export function listedFor(appointment: Appointment, types: AppointmentType[]): AppointmentType | undefined {
  const length = epoch(appointment.ends_at) - epoch(appointment.starts_at)
  const offered = types.filter(({ is_active }) => is_active)
  return (
    offered.find(({ id }) => id === appointment.appointment_type_id) ??
    offered
      .filter(({ duration }) => intervalMs(duration) >= length)
      .toSorted((a, b) => intervalMs(a.duration) - intervalMs(b.duration))[0]
  )
}
