import type { MessageKind } from '../../../chairtime'

/** What a template may name, and what stands there instead. */
const placeholders = [
  { name: 'patient', means: 'who comes' },
  { name: 'date', means: 'the day of the visit' },
  { name: 'time', means: 'when it starts' },
  { name: 'dentist', means: 'with whom' },
  { name: 'visit', means: 'the kind of visit' },
  { name: 'link', means: 'where it is confirmed, moved or cancelled' },
  { name: 'clinic', means: 'the clinic’s name' },
  { name: 'clinic_phone', means: 'its phone number' },
  { name: 'clinic_address', means: 'its address' },
] as const

const until = { name: 'until', means: 'how long the offer stands' } as const

export function placeholdersOf(kind: MessageKind) {
  return kind === 'offer' ? [...placeholders, until] : placeholders
}

/** A text with something put in where the cursor is, or over what is selected; and where the cursor is then. */
export function inserted(
  text: string,
  from: number,
  until: number,
  what: string,
): { text: string; cursor: number } {
  return { text: text.slice(0, from) + what + text.slice(until), cursor: from + what.length }
}
