import type { ChairtimeEvent } from './events'
import type { AppointmentStatus } from './model'

interface Versioned {
  id: string
  version: number
  starts_at: string
  ends_at: string
  status: AppointmentStatus
  dentist_id: string
}

/** Lays what an event says over a list of appointments; an older version never overwrites a newer one. */
export function patchAppointments<T extends Versioned>(list: T[], event: ChairtimeEvent): T[] {
  const index = list.findIndex((appointment) => appointment.id === event.appointment_id)
  const current = list[index]
  if (!current || event.version === undefined || event.version <= current.version) return list
  const patched: T = {
    ...current,
    version: event.version,
    starts_at: event.starts_at ?? current.starts_at,
    ends_at: event.ends_at ?? current.ends_at,
    status: (event.status as AppointmentStatus | undefined) ?? current.status,
    dentist_id: event.moved_to_dentist_id ?? event.dentist_id ?? current.dentist_id,
  }
  return list.with(index, patched)
}
