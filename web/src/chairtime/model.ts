import type { Database } from './database.types'

/** The shapes clients work with: the generated rows, narrowed where a check constraint says more, and the jsonb answers. */

type Api = Database['api']
export type ViewName = keyof Api['Views']
export type ViewRow<N extends ViewName> = Api['Views'][N]['Row']
export type RpcName = keyof Api['Functions']
export type RpcArgs<N extends RpcName> = Api['Functions'][N]['Args']

export type Clinic = ViewRow<'clinics'>
export type Dentist = ViewRow<'dentists'>
export type AppointmentType = ViewRow<'appointment_types'>
export type Patient = ViewRow<'patients'>
export type DailyMetrics = ViewRow<'daily_metrics'>
export type StaffMember = ViewRow<'staff'> & { role: StaffRole }

export type AppointmentStatus = 'booked' | 'checked_in' | 'fulfilled' | 'cancelled' | 'no_show'

export type Appointment = ViewRow<'appointments'> & { status: AppointmentStatus }

/** A hold. `server_now` is the server's time at the answer: count down from the difference, not from the local clock. */
export type Reservation = ViewRow<'slot_reservations'> & { server_now: string }

export interface Slot {
  dentist_id: string
  starts_at: string
  ends_at: string
}

/** `weekday` is ISO (1 is Monday); times are clinic-local `HH:MM`, and `24:00` may close a day. */
export interface WeeklyHours {
  weekday: number
  opens: string
  closes: string
}

export interface Period {
  starts_at: string
  ends_at: string
}

/** An appointment that an edit of the calendar would leave without its dentist. */
export interface AffectedAppointment extends Period {
  appointment_id: string
  dentist_id: string
  patient_id: string
  patient_name: string
  status: AppointmentStatus
}

/** `closure_id` is there where the whole clinic is closed: it removes the closure, `id` only this dentist's part of it. */
export interface PlannedTimeOff extends DayTimeOff {
  closure_id: string | null
}

/** A dentist's hours; `time_off` is there for those who may know of it. */
export interface Availability {
  dentist_id: string
  clinic_id: string
  time_zone: string
  weekly: WeeklyHours[]
  extra_hours: (Period & { id: string })[]
  time_off?: PlannedTimeOff[]
}

export interface AvailabilityChange {
  dentist_id: string
  dry_run: boolean
  added: WeeklyHours[]
  removed: WeeklyHours[]
  appointments_outside_hours: AffectedAppointment[]
}

export interface TimeOffChange {
  closure_id: string | null
  time_off: (PlannedTimeOff & { dentist_id: string })[]
  appointments: AffectedAppointment[]
  on_conflict: 'reject' | 'cancel'
  dry_run: boolean
}

/** An appointment on the day board; `blocked_*` include the buffers around it. */
export interface DayAppointment extends Appointment {
  patient_name: string
  appointment_type: string
  blocked_from: string
  blocked_until: string
}

export interface DayHold extends Period {
  id: string
  patient_id: string | null
  patient_name: string | null
  appointment_type_id: string
  blocked_from: string
  blocked_until: string
  expires_at: string
}

export interface DayTimeOff extends Period {
  id: string
  reason: string | null
}

export interface DayDentist {
  dentist_id: string
  full_name: string
  specialty: string | null
  is_active: boolean
  dentist_seq: number
  hours: Period[]
  appointments: DayAppointment[]
  holds: DayHold[]
  time_off: DayTimeOff[]
}

/** Everything a day board draws, in one answer. */
export interface ClinicDay extends Period {
  clinic_id: string
  day: string
  time_zone: string
  server_now: string
  dentists: DayDentist[]
}

/** `patient` where the user is one and not on the staff. */
export type StaffRole = 'admin' | 'dentist' | 'receptionist' | 'chatbot'

export interface Membership {
  clinic_id: string
  clinic_slug: string
  clinic_name: string
  time_zone: string
  role: StaffRole | 'patient'
  dentist_id: string | null
  patient_id: string | null
}

export interface Me {
  user_id: string
  /** Null, as the profile is, where the account is gone and only its session is left. */
  email: string | null
  profile: { full_name: string | null; phone: string | null; locale: string } | null
  memberships: Membership[]
}
