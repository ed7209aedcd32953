/** The events and how a client knows that it has seen all of them. No network here: see feed.ts for that. */

export type AppointmentEvent =
  | 'appointment_booked'
  | 'appointment_rescheduled'
  | 'appointment_cancelled'
  | 'appointment_status_changed'
  | 'appointment_confirmed'
export type ReservationEvent = 'reservation_created' | 'reservation_released' | 'reservation_expired'
export type AvailabilityEvent = 'slot_taken' | 'slot_freed' | 'hours_changed' | 'availability_changed'
/** A patient's record says something else; what, the record says. */
export type PatientEvent = 'patient_updated'
/** Somebody wrote back what a person at the desk is to read; somebody there has. */
export type ReplyEvent = 'reply_received' | 'reply_handled'
/** The desk said when a patient is due, or until when nobody asks them. */
export type RecallEvent = 'recall_changed'
/** A time is held for who waits; a wish was made, has changed or ended. */
export type WaitlistEvent = 'waitlist_offered' | 'waitlist_changed'
export type EventName =
  | AppointmentEvent
  | ReservationEvent
  | AvailabilityEvent
  | PatientEvent
  | ReplyEvent
  | RecallEvent
  | WaitlistEvent

/** One event, as broadcast and as `events_since` returns it. Which fields stand beside the first six depends on `event`. */
export interface ChairtimeEvent {
  event_id: number
  occurred_at: string
  event: EventName
  clinic_id: string
  /** Null for what is in nobody's calendar; then it has no number either, and shows no gap. */
  dentist_id: string | null
  dentist_seq: number | null
  /** The number this topic heard before; null where a topic hears too little of a dentist to tell (`patient:`). */
  previous_dentist_seq?: number | null
  starts_at?: string
  ends_at?: string
  appointment_id?: string
  reservation_id?: string
  patient_id?: string | null
  appointment_type_id?: string
  status?: string
  version?: number
  /** On the event that tells a dentist's colleagues that an appointment went to somebody else. */
  moved_to_dentist_id?: string
  /** On `reply_received` and `reply_handled`. */
  reply_id?: string
  /** On `waitlist_offered` and `waitlist_changed`. */
  waitlist_id?: string
  outcome?: string | null
  /** On `recall_changed`. */
  recall_type_id?: string
}

/**
 * `fresh`: apply it. `duplicate`: it was seen, or a snapshot already holds it. `gap`: apply it, and fetch what lies
 * between: `after` is the last event known of that dentist, or null if only a fresh snapshot can tell.
 */
export type Verdict = { kind: 'fresh' } | { kind: 'duplicate' } | { kind: 'gap'; after: number | null }

interface Known {
  seq: number
  id: number | null
}

const REMEMBERED = 1000

/**
 * What has been seen on one topic. A dentist's events are numbered without gaps under that dentist's lock,
 * and each broadcast names the number its topic heard before: if that is higher than the last one seen here,
 * something is missing. Ids of one dentist only ever rise, so they tell `events_since` where to start.
 */
export class Cursor {
  readonly #seen = new Set<number>()
  readonly #dentists = new Map<string, Known>()
  #lastId: number | null = null

  /** The highest event id seen on this topic: where `events_since` starts after a reconnect. */
  get lastId(): number | null {
    return this.#lastId
  }

  /** A snapshot was read that holds every event of the dentist up to `seq`. */
  baseline(dentistId: string, seq: number): void {
    const known = this.#dentists.get(dentistId)
    if (!known || known.seq < seq) this.#dentists.set(dentistId, { seq, id: null })
  }

  /** Judges an event that arrived by broadcast. */
  take(event: ChairtimeEvent): Verdict {
    if (this.#seen.has(event.event_id)) return { kind: 'duplicate' }
    const { dentist_id: dentist, dentist_seq: seq } = event
    const known = dentist === null ? undefined : this.#dentists.get(dentist)
    this.#remember(event)
    if (!known || seq === null) return { kind: 'fresh' }
    if (seq <= known.seq) return { kind: known.id === null ? 'duplicate' : 'fresh' }
    const { previous_dentist_seq: previous = seq - 1 } = event
    const isGap = previous !== null && previous > known.seq
    return isGap ? { kind: 'gap', after: known.id } : { kind: 'fresh' }
  }

  /** Judges an event that `events_since` returned: those come in order and without gaps. */
  recover(event: ChairtimeEvent): boolean {
    if (this.#seen.has(event.event_id)) return false
    this.#remember(event)
    return true
  }

  #remember(event: ChairtimeEvent): void {
    this.#seen.add(event.event_id)
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.values().next().value as number)
    this.#lastId = Math.max(this.#lastId ?? 0, event.event_id)
    const { dentist_id: dentist, dentist_seq: seq } = event
    if (dentist === null || seq === null) return
    const known = this.#dentists.get(dentist)
    if (!known || known.seq <= seq) this.#dentists.set(dentist, { seq, id: event.event_id })
  }
}
