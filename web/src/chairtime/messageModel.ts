import type { ViewRow } from './model'

/** The shapes of messages: what is sent to patients, and what they write back. */

export const messageKinds = ['booked', 'moved', 'cancelled', 'reminder', 'recall', 'offer'] as const
export const messageChannels = ['email', 'sms'] as const

/** What a clinic has rules and templates for. */
export type MessageKind = (typeof messageKinds)[number]
export type MessageChannel = (typeof messageChannels)[number]
export type MessageState = 'planned' | 'leased' | 'sent' | 'skipped' | 'failed' | 'unknown'
/** Why a message was skipped. */
export type SkipReason =
  | 'moved'
  | 'cancelled'
  | 'over'
  | 'late'
  | 'superseded'
  | 'no_contact'
  | 'opted_out'
  | 'quiet_hours'
  | 'rule_removed'
  | 'replaced'
  | 'gone'
  | 'met'
  | 'paused'

/** A row of the outbox. An answer to a reply and a test bring their own text. */
export type Message = ViewRow<'messages'> & {
  kind: MessageKind | 'answer' | 'test'
  channel: MessageChannel
  state: MessageState
  reason: SkipReason | null
}

/** `lead` is how long before the visit a reminder goes out. */
export type MessageRule = ViewRow<'message_rules'> & { kind: MessageKind; channel: MessageChannel }
export type MessageTemplate = ViewRow<'message_templates'> & { kind: MessageKind; channel: MessageChannel }
export type MessageDefault = ViewRow<'message_defaults'> & { kind: MessageKind; channel: MessageChannel }
export type Locale = ViewRow<'locales'>

/** What somebody texted back, or, through a link, that it was not for them (`not_me`: no phone, no text). */
export type Reply = ViewRow<'message_replies'>

/** Whether messages are wanted through a channel; the address and the language are for the desk. */
export interface MessageContact {
  channel: MessageChannel
  is_wanted: boolean
  address: string | null
  locale: string | null
}

/** A visit that nobody has confirmed; `last_…` is of the newest message about it. */
export interface UnconfirmedVisit {
  appointment_id: string
  patient_id: string
  full_name: string
  phone: string | null
  starts_at: string
  dentist_id: string
  appointment_type_id: string
  last_message: MessageState | null
  last_message_at: string | null
  last_kind: MessageKind | null
  last_channel: MessageChannel | null
  last_reason: SkipReason | null
}

/** How a message reads; a text message's also as a phone counts it. */
export interface MessagePreview {
  locale: string
  is_rtl: boolean
  subject: string | null
  body: string
  encoding?: 'GSM-7' | 'UCS-2'
  units?: number
  segments?: number
}
