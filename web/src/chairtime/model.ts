import type { Database } from './database.types'

/** The shapes clients work with: the generated types, minus the nulls that a view cannot promise away, plus the jsonb answers. */

type Api = Database['api']
export type ViewName = keyof Api['Views']
export type ViewRow<N extends ViewName> = Api['Views'][N]['Row']
export type RpcName = keyof Api['Functions']
export type RpcArgs<N extends RpcName> = Api['Functions'][N]['Args']

/** Postgres tells the type generator nothing about a view's nulls, so it calls every column nullable. */
type Present<Row, Nullable extends keyof Row = never> = {
  [K in keyof Row]: K extends Nullable ? Row[K] : NonNullable<Row[K]>
}

export type Clinic = Present<ViewRow<'clinics'>>
export type Dentist = Present<ViewRow<'dentists'>, 'bio' | 'specialty'>
export type AppointmentType = Present<ViewRow<'appointment_types'>>
export type Patient = Present<ViewRow<'patients'>, 'user_id' | 'phone' | 'email'>
export type StaffMember = Present<ViewRow<'staff'>>
export type DailyMetrics = Present<ViewRow<'daily_metrics'>>

export type AppointmentStatus = 'booked' | 'checked_in' | 'fulfilled' | 'cancelled' | 'no_show'

export interface Appointment {
  id: string
  clinic_id: string
  dentist_id: string
  patient_id: string
  appointment_type_id: string
  starts_at: string
  ends_at: string
  status: AppointmentStatus
  notes: string | null
  version: number
  source: string
  created_at: string
  updated_at: string
  cancelled_at: string | null
  cancellation_reason: string | null
}

/** A hold. `server_now` is the server's time at the answer: count down from the difference, not from the local clock. */
export interface Reservation {
  id: string
  clinic_id: string
  dentist_id: string
  appointment_type_id: string
  patient_id: string | null
  starts_at: string
  ends_at: string
  expires_at: string
  server_now: string
}

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
  email: string
  profile: { full_name: string | null; phone: string | null; locale: string }
  memberships: Membership[]
}
