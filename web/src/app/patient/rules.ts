import { type Clinic, epoch, intervalMs } from '../../chairtime'
import { spanInWords } from '../format'

/** What a clinic lets patients do themselves, said before it is refused. The rules are the server's; this only tells them. */

/** The clinic's rule for what would be booked now. */
export function changeRuleFor(startsAt: string, now: number, clinic: Clinic): string {
  if (epoch(startsAt) - now > intervalMs(clinic.cancellation_notice)) return changeRule(clinic)
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
