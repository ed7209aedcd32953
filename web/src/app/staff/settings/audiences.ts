import type { Audience } from '../../../chairtime'

/** For whom a kind of visit is, when it is not the desk that books. */
export const audiences: readonly { value: Audience; label: string }[] = [
  { value: 'everyone', label: 'For everyone' },
  { value: 'new_patients', label: 'For new patients' },
  { value: 'known_patients', label: 'For patients whom the clinic knows' },
  { value: 'staff', label: 'Booked by the desk only' },
]
