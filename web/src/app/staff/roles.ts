import type { Membership, StaffRole } from '../../chairtime'

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
