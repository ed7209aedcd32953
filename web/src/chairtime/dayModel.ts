import type { Appointment, NextStep, PartNeeds, Period, Profession, ResourceKind } from './model'

/** What a day board shows: the shapes of `clinic_day`. */

/** What a visit takes beside its leader, and when, buffers included. */
export interface DayPart extends Period {
  part: number
  needs: PartNeeds
  /** Who or what will do; null: all that are of this kind. */
  only_resources: string[] | null
  resource_id: string | null
  name: string | null
}

/** An appointment on the day board; `blocked_*` include the buffers around it. */
export interface DayAppointment extends Appointment {
  patient_name: string
  appointment_type: string
  blocked_from: string
  blocked_until: string
  parts: DayPart[]
  /** What staff may make of it. */
  next_steps: NextStep[]
}

export interface DayHold extends Period {
  id: string
  patient_id: string | null
  patient_name: string | null
  appointment_type_id: string
  blocked_from: string
  blocked_until: string
  expires_at: string
  parts: DayPart[]
}

/** `closure_id` is there where the whole clinic is closed: it opens the clinic again. */
export interface DayTimeOff extends Period {
  id: string
  reason: string | null
  closure_id: string | null
}

/** Where somebody takes part in a visit that another (`dentist_id`) leads. */
export interface Participation extends Period {
  appointment_id: string
  part: number
  dentist_id: string
  patient_id: string
  patient_name: string
  appointment_type: string
}

export interface DayDentist {
  dentist_id: string
  full_name: string
  profession: Profession
  specialty: string | null
  is_active: boolean
  dentist_seq: number
  hours: Period[]
  appointments: DayAppointment[]
  holds: DayHold[]
  participations: Participation[]
  /** When another clinic has taken the time, and no more than that. */
  elsewhere: Period[]
  time_off: DayTimeOff[]
}

/** A chair or a device on the day board. */
export interface DayResource {
  resource_id: string
  kind: Exclude<ResourceKind, 'practitioner'>
  name: string
  is_active: boolean
  time_off: DayTimeOff[]
}

/** Everything a day board draws, in one answer. */
export interface ClinicDay extends Period {
  clinic_id: string
  day: string
  time_zone: string
  server_now: string
  dentists: DayDentist[]
  resources: DayResource[]
}
