import type { Database } from './database.types'
import type { DayTimeOff } from './dayModel'

/** The shapes clients work with: the generated rows, narrowed where a check constraint says more, and the jsonb answers. */

export * from './dayModel'
export * from './messageModel'

type Api = Database['api']
export type ViewName = keyof Api['Views']
export type ViewRow<N extends ViewName> = Api['Views'][N]['Row']
export type RpcName = keyof Api['Functions']
export type RpcArgs<N extends RpcName> = Api['Functions'][N]['Args']

export type Clinic = ViewRow<'clinics'>
export type Profession = 'dentist' | 'hygienist' | 'assistant'
export type Dentist = ViewRow<'dentists'> & { profession: Profession }
/** Whom a type is for, when it is not the desk that books. */
export type Audience = 'everyone' | 'new_patients' | 'known_patients' | 'staff'
export type AppointmentType = ViewRow<'appointment_types'> & { audience: Audience }
export type ResourceKind = 'practitioner' | 'chair' | 'equipment'
export type Resource = ViewRow<'resources'> & { kind: ResourceKind }
/** Who leads what; `duration` is how long this one takes for it, null as long as the type says. */
export type DentistType = ViewRow<'dentist_types'>
/** What a type needs beside its leader; `needs` `leader` (part 0) says when the leader is needed. */
export type PartNeeds = 'leader' | Profession | 'chair' | 'equipment'
export type TypePart = ViewRow<'type_parts'> & { needs: PartNeeds }
/** A time at which the whole clinic is closed. */
export type Closure = Period & { id: string; clinic_id: string; reason: string | null }
export type Patient = ViewRow<'patients'>
export type Guardian = ViewRow<'guardians'>
/** A patient as searches find them, with the starts of the next visit ahead and of the last one. */
export type FoundPatient = Pick<
  Patient,
  'id' | 'clinic_id' | 'user_id' | 'full_name' | 'phone' | 'email' | 'birth_date' | 'staff_notes'
> & { next_visit: string | null; last_visit: string | null }
export type DailyMetrics = ViewRow<'daily_metrics'>
export type StaffMember = ViewRow<'staff'> & { role: StaffRole }

export type AppointmentStatus = 'booked' | 'checked_in' | 'fulfilled' | 'cancelled' | 'no_show'

export type Appointment = ViewRow<'appointments'> & {
  status: AppointmentStatus
  /** Whether the dentist was named, or any would do. */
  assigned: 'named' | 'any'
}

export interface NextStep {
  status: AppointmentStatus
  /** Not before then; null: at any time. */
  from: string | null
  /** It undoes the last step. */
  takes_back: boolean
}

/** What is held for a wish now: `confirm_reservation` accepts it, `release_reservation` declines. */
export interface Offer extends Period {
  reservation_id: string
  dentist_id: string
  expires_at: string
}

/** A wish on the waiting list; open while `outcome` is null. */
export type Wish = Omit<ViewRow<'waitlist'>, 'offer'> & { offer: Offer | null }
export type JoinArgs = RpcArgs<'join_waitlist'>

/** What a series has become, or, of a dry run, would: then its visits have no ids. */
export interface SeriesAnswer {
  series_id: string | null
  dry_run: boolean
  appointments: Appointment[]
  refused: { starts_at: string; code: string; message: string; moved_to: string | null }[]
}

/** What is ahead of a series and was cancelled, and what could not be. */
export interface SeriesEnd {
  series_id: string
  appointments: Appointment[]
  refused: { appointment_id: string; starts_at: string; code: string; message: string }[]
}

/** Somebody to call, for they are due and have no such visit ahead. */
export interface DueRecall {
  patient_id: string
  patient_name: string
  phone: string | null
  email: string | null
  recall_type_id: string
  recall_type: string
  appointment_type_id: string
  due_on: string
  last_visit_on: string | null
  asked: number
  last_asked_at: string | null
  link: string
}

/** A hold. `server_now` is the server's time at the answer: count down from the difference, not from the local clock. */
export type Reservation = ViewRow<'slot_reservations'> & { server_now: string }

export interface Slot {
  dentist_id: string
  starts_at: string
  ends_at: string
}

/**
 * `weekday` is ISO (1 is Monday); times are clinic-local `HH:MM`, and `24:00` may close a day. Days of a rota that is not always
 * valid are `YYYY-MM-DD`, both included.
 */
export interface WeeklyHours {
  weekday: number
  opens: string
  closes: string
  valid_from?: string | null
  valid_until?: string | null
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

/** A dentist's hours; `time_off` is there for those who may know of it. */
export interface Availability {
  dentist_id: string
  clinic_id: string
  time_zone: string
  weekly: WeeklyHours[]
  extra_hours: (Period & { id: string })[]
  time_off?: DayTimeOff[]
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
  /** Empty where the whole clinic is closed. */
  time_off: (Period & { id: string; dentist_id: string | null; resource_id: string; reason: string | null })[]
  appointments: AffectedAppointment[]
  on_conflict: 'reject' | 'keep' | 'cancel'
  dry_run: boolean
}

/** An appointment in the way of an absence, whom to call, and the nearest times it can move to. */
export interface WorklistEntry extends Appointment {
  patient_name: string
  phone: string | null
  email: string | null
  appointment_type: string
  dentist: string
  alternatives: Slot[]
  /** Who or what is free instead, so that the visit can stay where it is. */
  stand_ins: StandIn[]
}

export interface StandIn {
  part: number
  needs: PartNeeds
  resource_id: string
  name: string
}

export interface Worklist extends Period {
  clinic_id: string
  server_now: string
  appointments: WorklistEntry[]
}

export interface SlotExplanation {
  bookable: boolean
  code: string | null
  message: string | null
  dentist_id: string | null
}

export interface ClinicChange {
  clinic: Clinic
  /** Those whose time of the clock another zone changes. */
  appointments_shifted: (AffectedAppointment & { local_before: string; local_after: string })[]
  dry_run: boolean
}

export type Deed =
  | 'booked'
  | 'moved'
  | 'resized'
  | 'resource_changed'
  | 'notes_changed'
  | 'merged'
  | 'confirmed'
  | 'cancelled'
  | 'checked_in'
  | 'fulfilled'
  | 'no_show'
  | 'reopened'
  | 'changed'
  | 'deleted'

/** What was done to an appointment, by whom, and as what; `changes` are `{column: [before, after]}`. */
export interface HistoryEntry {
  at: string
  actor: string | null
  /** Null where nobody acted, or who did is gone. */
  actor_name: string | null
  role: StaffRole | 'patient' | 'guest' | 'service' | 'worker' | 'sql'
  via: string
  action: Deed
  changes: { [column in string]?: [unknown, unknown] }
}

/** What is told once: the code with which somebody joins. */
export interface NewInvitation {
  invitation_id: string
  code: string
  expires_at: string
}

export type Invitation = ViewRow<'invitations'> & { role: StaffRole | null }

/** What became of a code: a wrong one is an answer, not an error. */
export type Joined<T> = ({ accepted: true } & T) | { accepted: false; message: string; hint: string }

export type LinkAction =
  | 'confirm'
  | 'move'
  | 'cancel'
  | 'note'
  | 'book'
  | 'accept'
  | 'decline'
  | 'stop'
  | 'not_me'

/** What the link of a message shows: a visit, in the message's language, and what may be done. */
export interface LinkedVisit {
  locale: string
  is_rtl: boolean
  expires_at: string
  channel: 'email' | 'sms'
  clinic: Pick<Clinic, 'id' | 'slug' | 'name' | 'time_zone' | 'phone' | 'email' | 'address'>
  appointment: Period & {
    id: string
    /** `offered`: held for who waits, and not booked yet; `lapsed`: not held any more. */
    state: 'offered' | 'lapsed' | 'open' | 'confirmed' | 'begun' | 'over' | 'cancelled'
    status: AppointmentStatus
    version: number
    confirmed_at: string | null
    /** The first name. */
    patient: string
    dentist: string
    visit: string
    /** Until when, and to when, it may be moved. */
    changeable_until: string | null
    movable_until: string
    /** By the clinic's clock, in the message's language. */
    date: string
    time: string
  }
  /** Of an offer: until when it is held. */
  offered_until: string | null
  actions: LinkAction[]
}

/** What the link of a recall shows until its visit is booked: what is due. Then it is that visit's. */
export interface LinkedRecall extends Omit<LinkedVisit, 'appointment' | 'offered_until'> {
  appointment: null
  offered_until?: never
  recall: {
    /** `met`: there is such a visit ahead. */
    state: 'due' | 'met'
    /** The first name. */
    patient: string
    visit: string
    appointment_type_id: string
    due_on: string | null
    bookable_until: string
  }
}

export type Linked = LinkedVisit | LinkedRecall

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

/** Somebody whom the user acts for, at one clinic; `until` a child is of age, null where nothing ends it by itself. */
export interface Dependant {
  clinic_id: string
  patient_id: string
  full_name: string
  birth_date: string | null
  relation: string
  until: string | null
}

export interface Me {
  user_id: string
  /** Null, as the profile is, where the account is gone and only its session is left. */
  email: string | null
  /** Signed in anonymously: nobody can come back to this login from elsewhere. */
  is_guest: boolean
  /** A guest who has not said what a clinic must know to book. */
  lacks_contact: boolean
  profile: {
    full_name: string | null
    phone: string | null
    email: string | null
    locale: string | null
  } | null
  dependants: Dependant[]
  memberships: Membership[]
}
