import type { Profession } from '../chairtime'

/** What people are. */
export const professionNames: Record<Profession, string> = {
  dentist: 'Dentist',
  hygienist: 'Hygienist',
  assistant: 'Assistant',
}
