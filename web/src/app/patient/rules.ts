import { type Clinic, epoch, intervalMs } from '../../chairtime'
import { spanInWords } from '../format'

/** What a clinic lets patients do themselves, said before it is refused. The rules are the server's; this only tells them. */

/** Until when, in milliseconds since the epoch, a patient may move or cancel an appointment; who has just booked may think again. */
export function changeableUntil(
  { starts_at, created_at }: { starts_at: string; created_at: string },
  clinic: Clinic,
): number {
  const grace = Math.min(epoch(created_at) + intervalMs(clinic.cancel_grace), epoch(starts_at))
  return Math.max(noticeOf(starts_at, clinic), grace)
}

function noticeOf(startsAt: string, clinic: Clinic): number {
  return epoch(startsAt) - intervalMs(clinic.cancellation_notice)
}

/** The clinic's rule for what would be booked now. */
export function changeRuleFor(startsAt: string, now: number, clinic: Clinic): string {
  if (noticeOf(startsAt, clinic) > now) return changeRule(clinic)
  const grace = intervalMs(clinic.cancel_grace)
  return grace > 0
    ? `It starts soon: you can take it back for ${spanInWords(grace)} after booking, then only ${clinic.name} can still move or cancel it.`
    : `It starts so soon that only ${clinic.name} can still move or cancel it once it is booked.`
}

/** The clinic's rule in a sentence. */
export function changeRule(clinic: Clinic): string {
  const notice = intervalMs(clinic.cancellation_notice)
  return notice === 0
    ? 'You can move or cancel it here until it starts.'
    : `You can move or cancel it here until ${spanInWords(notice)} before it starts.`
}
