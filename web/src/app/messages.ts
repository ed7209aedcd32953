import { ChairtimeError, type ErrorCode } from '../chairtime'

interface Explanation {
  title: string
  advice: string
}

/** Every refusal in words for the person in front of the screen: what happened, and what to do. */
const explanations: Record<ErrorCode, Explanation> = {
  not_authenticated: { title: 'You are signed out', advice: 'Sign in again to go on.' },
  forbidden: { title: 'You may not do this', advice: 'Ask an administrator of the clinic for access.' },
  not_found: {
    title: 'This is no longer here',
    advice: 'It may have been removed meanwhile. Go back and look again.',
  },
  slot_taken: {
    title: 'Somebody was faster',
    advice: 'That time has just been taken. Please pick another one.',
  },
  patient_busy: {
    title: 'Two appointments at once',
    advice:
      'There already is an appointment at that time. Choose another time, or move the other appointment.',
  },
  day_full: {
    title: 'That day is full',
    advice: 'No more visits of this kind are booked on that day. Choose another day, or somebody else.',
  },
  appointments_in_the_way: { title: 'Appointments are in the way', advice: 'Move or cancel them first.' },
  invalid_transition: {
    title: 'This is not possible any more',
    advice: 'The appointment has another status by now. Look at its current state.',
  },
  reservation_expired: { title: 'Your hold has ended', advice: 'Pick the time again; it may still be free.' },
  stale_version: {
    title: 'The appointment has changed',
    advice: 'Somebody changed it a moment ago. You are now looking at the current state: try again.',
  },
  outside_working_hours: {
    title: 'Outside working hours',
    advice: 'The dentist does not work at that time.',
  },
  notice_too_short: { title: 'That is too soon', advice: 'Choose a later time, or call the clinic.' },
  beyond_horizon: {
    title: 'That is too far ahead',
    advice: 'The clinic does not take bookings for that date yet.',
  },
  in_the_past: { title: 'That time has passed', advice: 'Choose a time that is still to come.' },
  off_grid: { title: 'No appointments start then', advice: 'Choose one of the offered times.' },
  too_late_to_cancel: {
    title: 'It is too late to change this online',
    advice: 'Please call the clinic; they can still move or cancel it for you.',
  },
  idempotency_mismatch: { title: 'That did not go through', advice: 'Please try once more.' },
  invalid_argument: {
    title: 'Something is not filled in correctly',
    advice: 'Check the form and send it again.',
  },
  not_offered: {
    title: 'This visit is not booked online',
    advice: 'Choose another kind of visit or another dentist, or call the clinic.',
  },
  reservation_limit: {
    title: 'You hold other times already',
    advice: 'Confirm or release them first; an unused hold ends by itself within minutes.',
  },
  booking_limit: {
    title: 'That is more than can be booked at once',
    advice: 'Please try again later, or call the clinic.',
  },
  try_again: { title: 'The calendar is busy', advice: 'Nothing was changed. Please try again in a moment.' },
  network: {
    title: 'No connection',
    advice:
      'The server does not answer just now. Nothing is lost; check your network, or try again in a moment.',
  },
  unexpected: {
    title: 'Something went wrong',
    advice: 'Please try again. If it happens again, tell the clinic.',
  },
}

/** Words for any error; an `invalid_argument` says itself what is wrong with which field. */
export function explain(error: Error): Explanation {
  if (!(error instanceof ChairtimeError)) return explanations.unexpected
  const explanation = explanations[error.code]
  if (error.code === 'invalid_argument') return { ...explanation, advice: error.message }
  // Where a refusal of this kind has a way out, its hint says it.
  if (error.code === 'forbidden' && error.hint) {
    return { ...explanation, advice: `${error.message} ${error.hint}` }
  }
  // Whom to call, where the clinic has said so.
  if (error.code === 'too_late_to_cancel' && error.hint) {
    return { ...explanation, advice: `${error.hint} They can still move or cancel it for you.` }
  }
  return explanation
}
