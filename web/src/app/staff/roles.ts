import type { Membership, PartNeeds, StaffRole } from '../../chairtime'
import { professionNames } from '../words'

/** What roles are called. */
export const roleNames: Record<Membership['role'], string> = {
  admin: 'Administrator',
  dentist: 'Dentist',
  receptionist: 'Reception',
  chatbot: 'Chatbot',
  patient: 'Patient',
}

export const staffRoles = (['admin', 'dentist', 'receptionist', 'chatbot'] satisfies StaffRole[]).map(
  (value) => ({ value, label: roleNames[value] }),
)

/** What a visit may need, and what people are. */
export const needNames: Record<PartNeeds, string> = {
  leader: 'Who leads',
  ...professionNames,
  chair: 'Chair',
  equipment: 'Equipment',
}
