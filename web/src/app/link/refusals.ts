import { ChairtimeError, type ErrorCode } from '../../chairtime'
import type { Words } from './words'

const refusals: Partial<Record<ErrorCode, keyof Words['refusals']>> = {
  slot_taken: 'taken',
  day_full: 'taken',
  outside_working_hours: 'taken',
  notice_too_short: 'taken',
  beyond_horizon: 'taken',
  in_the_past: 'taken',
  off_grid: 'taken',
  reservation_expired: 'lapsed',
  patient_busy: 'busyPatient',
  too_late_to_cancel: 'tooLate',
  invalid_transition: 'changed',
  stale_version: 'changed',
  not_offered: 'notOnline',
  invalid_argument: 'note',
  try_again: 'busy',
  network: 'network',
}

/** Why something was not done, for who wanted it. */
export function refusalIn(words: Words, error: Error): string {
  return words.refusals[kindOf(error)]
}

/** The same of what was offered: there is no other time to choose. */
export function offerRefusalIn(words: Words, error: Error): string {
  const kind = kindOf(error)
  return words.refusals[kind === 'taken' || kind === 'changed' ? 'lapsed' : kind]
}

function kindOf(error: Error): keyof Words['refusals'] {
  return (error instanceof ChairtimeError && refusals[error.code]) || 'unexpected'
}

/** What to say instead of the visit; a link that is wrong, over or no link at all is one and the same. */
export function pageFor(error: Error): 'invalid' | 'tooMany' | 'broken' {
  if (!(error instanceof ChairtimeError)) return 'broken'
  if (error.code === 'booking_limit') return 'tooMany'
  return error.status >= 400 && error.status < 500 ? 'invalid' : 'broken'
}
