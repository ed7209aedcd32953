import {
  ChairtimeError,
  epoch,
  type Message,
  type MessageChannel,
  type MessageKind,
  type SkipReason,
} from '../../../chairtime'
import { nearTime } from '../../format'

/** What becomes of messages, in the words of a front desk. */

export const kindNames: Record<Message['kind'], string> = {
  booked: 'Booking',
  moved: 'New time',
  cancelled: 'Cancellation',
  reminder: 'Reminder',
  recall: 'Recall',
  offer: 'Offer of a time',
  answer: 'Answer',
  test: 'Test',
}

export const kindHints: Record<MessageKind, string> = {
  booked: 'A visit was booked.',
  moved: 'A visit has another time, or somebody else sees to it.',
  cancelled: 'A visit was cancelled.',
  reminder: 'A visit is near.',
  recall: 'It is time for the next check-up.',
  offer: 'A time has become free for who waits for one.',
}

export const channelNames: Record<MessageChannel, string> = { email: 'Email', sms: 'Text message' }

export interface Told {
  label: string
  tone: 'good' | 'warn' | 'bad' | 'plain'
  /** Why it is so, or what to do about it. */
  why?: string
}

type State = Pick<Message, 'state' | 'channel' | 'reason' | 'error' | 'due_at' | 'sent_at'>

/** What became of a message: in a word, and why. */
export function toldOf(
  { state, channel, reason, error, due_at, sent_at }: State,
  zone: string,
  now: number,
): Told {
  switch (state) {
    case 'planned':
      return epoch(due_at) > now
        ? { label: 'Planned', tone: 'plain', why: `Goes out ${nearTime(due_at, zone)}.` }
        : {
            label: 'Waiting',
            tone: 'plain',
            why: 'It is due, and waits for its sender, or for the quiet hours to end.',
          }
    case 'leased':
      return { label: 'Being sent', tone: 'plain' }
    case 'sent':
      return { label: 'Sent', tone: 'good', why: `${nearTime(sent_at ?? due_at, zone)}.` }
    case 'skipped':
      return {
        label: 'Not sent',
        tone: 'warn',
        why: reason ? skipWords(reason, channel) : 'It was not true any more.',
      }
    case 'failed':
      return {
        label: 'Failed',
        tone: 'bad',
        why: error ? `It could not be delivered. The sender says: ${error}` : 'It could not be delivered.',
      }
    case 'unknown':
      return {
        label: 'Not sure',
        tone: 'warn',
        why: 'Nobody can say whether it arrived. Ask, or send it again.',
      }
  }
}

/** Why a message is not sent. */
export function skipWords(reason: SkipReason, channel: MessageChannel): string {
  switch (reason) {
    case 'moved':
      return 'The visit was moved before it went out.'
    case 'cancelled':
      return 'The visit is cancelled.'
    case 'over':
      return 'The visit has begun, or is not booked any more.'
    case 'late':
      return 'It would have come too late.'
    case 'superseded':
      return 'Another message said the same.'
    case 'no_contact':
      return channel === 'email'
        ? 'There is no email address to send it to.'
        : 'There is no phone number to send it to.'
    case 'opted_out':
      return channel === 'email' ? 'The patient wants no emails.' : 'The patient wants no text messages.'
    case 'quiet_hours':
      return 'The visit began before the quiet hours were over.'
    case 'rule_removed':
      return 'The clinic does not send this any more.'
    case 'replaced':
      return 'The visit is booked again.'
    case 'gone':
      return 'The visit or the patient is not there any more.'
    case 'met':
      return 'The patient has such a visit already.'
    case 'paused':
      return 'The patient is not to be asked for now.'
  }
}

const RESENT: (SkipReason | null)[] = [null, 'no_contact', 'opted_out', 'quiet_hours', 'late']

/** Whether sending it once more may make sense; whether it is done, the server says. */
export function maySendAgain({ kind, state, reason, starts_at }: Message, now: number): boolean {
  const isAbout = kind !== 'answer' && kind !== 'test' && starts_at !== null && epoch(starts_at) > now
  return isAbout && state !== 'planned' && state !== 'leased' && RESENT.includes(reason)
}

/** A refusal to send again, in words where it says why. */
export function explainedResend(error: Error, channel: MessageChannel): string | null {
  if (!(error instanceof ChairtimeError)) return null
  const reason = (error.details as { reason?: SkipReason } | null)?.reason
  return reason ? skipWords(reason, channel) : null
}
