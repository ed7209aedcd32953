import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import { ServerClock } from './clock'
import type { Database } from './database.types'
import { ChairtimeError, toChairtimeError } from './errors'
import type { ChairtimeEvent } from './events'
import { Hub, supabasePorts } from './hub'
import type {
  Appointment,
  AppointmentType,
  Availability,
  AvailabilityChange,
  ClinicChange,
  ClinicDay,
  Closure,
  Dentist,
  DueRecall,
  FoundPatient,
  HistoryEntry,
  Invitation,
  Joined,
  Linked,
  Me,
  Message,
  MessageContact,
  MessageDefault,
  MessagePreview,
  MessageRule,
  MessageTemplate,
  NewInvitation,
  Patient,
  Reservation,
  Resource,
  RpcArgs,
  RpcName,
  SeriesAnswer,
  SeriesEnd,
  Slot,
  SlotExplanation,
  StaffMember,
  TimeOffChange,
  TypePart,
  UnconfirmedVisit,
  ViewName,
  ViewRow,
  Wish,
  Worklist,
} from './model'
import { balanced, type LateRpc, mayBeLate, noteCall } from './replicas'

/**
 * What the generator cannot know: shapes inside jsonb, what is never null in a table-valued answer, and the words a text column
 * is limited to.
 */
interface Answers {
  me: Me
  update_me: Me
  available_slots: Slot[]
  next_slots: Slot[]
  explain_slot: SlotExplanation
  reserve_slot: Reservation
  confirm_reservation: Appointment
  book_appointment: Appointment
  book_family: Appointment[]
  book_series: SeriesAnswer
  cancel_series: SeriesEnd
  reschedule_appointment: Appointment
  update_appointment: Appointment
  cancel_appointment: Appointment
  set_appointment_status: Appointment
  resize_appointment: Appointment
  move_to_resource: Appointment
  swap_appointments: Appointment[]
  absence_worklist: Worklist
  update_clinic: ClinicChange
  get_availability: Availability
  set_availability: AvailabilityChange
  add_time_off: TimeOffChange
  clinic_day: ClinicDay
  events_since: EventRow[]
  search_patients: FoundPatient[]
  similar_patients: FoundPatient[]
  appointment_history: HistoryEntry[]
  invite_patient: NewInvitation
  invite_staff: NewInvitation
  claim_patient: Joined<{ patient: Patient }>
  accept_staff_invitation: Joined<{ staff: StaffMember }>
  open_link: Linked
  link_slots: Slot[]
  use_link: Linked
  confirm_attendance: Appointment
  join_waitlist: Wish
  leave_waitlist: Wish
  due_recalls: DueRecall[]
  unconfirmed: UnconfirmedVisit[]
  message_contacts: MessageContact[]
  preview_message: MessagePreview
  send_test_message: { message_id: string; address: string }
  resend_message: Message
  set_message_rules: MessageRule[]
  set_message_template: MessageTemplate
}

interface Rows {
  appointments: Appointment
  appointment_types: AppointmentType
  closures: Closure
  dentists: Dentist
  invitations: Invitation
  message_defaults: MessageDefault
  message_rules: MessageRule
  message_templates: MessageTemplate
  messages: Message
  resources: Resource
  slot_reservations: Reservation
  staff: StaffMember
  troubled_messages: Message
  type_parts: TypePart
  waitlist: Wish
}

/** A function without parameters, or with optional ones only, may be called without any. */
type Arguments<N extends RpcName> =
  RpcArgs<N> extends Record<PropertyKey, never>
    ? []
    : Partial<RpcArgs<N>> extends RpcArgs<N>
      ? [RpcArgs<N>?]
      : [RpcArgs<N>]

interface EventRow {
  id: number
  occurred_at: string
  event: ChairtimeEvent['event']
  dentist_id: string | null
  dentist_seq: number | null
  payload: Partial<ChairtimeEvent>
}

export type RpcReturns<N extends RpcName> = N extends keyof Answers
  ? Answers[N]
  : Database['api']['Functions'][N]['Returns']
export type Row<N extends ViewName> = N extends keyof Rows ? Rows[N] : ViewRow<N>

export interface ChairtimeOptions {
  /** The project's URL: `https://….supabase.co`, or the embedded stack's. */
  url: string
  /**
   * Where lists that may be a moment late are asked for, with GET: the load balancer in front of read replicas, if the project has
   * some (`https://…-all.supabase.co`). `url` is the primary's own then.
   */
  readUrl?: string | undefined
  /** The publishable key. Secret keys do not belong in a browser. */
  publishableKey: string
  /** Sends no session, whoever is signed in in this browser. */
  asNobody?: boolean
}

/** Milliseconds after which a request that met a busy calendar is sent again. */
const BUSY = [500, 1000]

type Builder = ReturnType<ReturnType<SupabaseClient['from']>['select']>

/** The API as functions: every RPC and view, typed, throwing `ChairtimeError`; `hub` carries the live events. */
export class ChairtimeClient {
  readonly supabase: SupabaseClient<Database, 'api'>
  readonly hub: Hub
  readonly clock = new ServerClock()

  readonly #options: ChairtimeOptions
  #nobody: ChairtimeClient | undefined

  constructor(options: ChairtimeOptions) {
    const { url, readUrl, publishableKey, asNobody } = options
    if (publishableKey.startsWith('sb_secret_')) throw new Error('A secret key must never reach a browser.')
    this.#options = options
    this.supabase = createClient<Database, 'api'>(url, publishableKey, {
      ...(asNobody ? { accessToken: async () => publishableKey } : {}),
      // Whoever asks decides about asking again: a retry in here would look like a slow answer.
      db: { schema: 'api', retry: false },
      global: { fetch: balanced(url, readUrl) },
      realtime: { heartbeatIntervalMs: 15_000 },
    })
    this.hub = new Hub(
      supabasePorts(this.supabase, (topic, after, max) => this.#eventsSince(topic, after, max)),
    )
  }

  /** The same API, asked without a session; always the same client. */
  asNobody(): ChairtimeClient {
    return (this.#nobody ??= new ChairtimeClient({ ...this.#options, asNobody: true }))
  }

  /** Calls an RPC by name. Throws `ChairtimeError`. */
  async rpc<N extends RpcName>(name: N, ...args: Arguments<N>): Promise<RpcReturns<N>> {
    noteCall(name)
    // Once more when it has come to an end: only then can a replica begin to hear of it.
    return this.#call(name, args[0]).finally(() => noteCall(name))
  }

  /**
   * Calls an RPC whose answer may be a moment late: a read replica gives it, where there is one. Whoever has just changed something
   * asks the primary. Throws `ChairtimeError`.
   */
  async late<N extends LateRpc>(name: N, args: RpcArgs<N>): Promise<RpcReturns<N>> {
    return this.#call(name, args, mayBeLate())
  }

  #call<N extends RpcName>(name: N, args: RpcArgs<N> | undefined, get = false): Promise<RpcReturns<N>> {
    const call = () =>
      this.supabase.rpc(name as never, args as never, { get }) as unknown as PromiseLike<Answer>
    return this.#patiently<RpcReturns<N>>(call)
  }

  /** Reads a view; `narrow` adds filters, order and limits. Throws `ChairtimeError`. */
  async rows<N extends ViewName>(
    view: N,
    narrow: (query: Builder) => Builder = (query) => query,
  ): Promise<Row<N>[]> {
    const query = () => this.supabase.from(view as never).select() as unknown as Builder
    return this.#patiently<Row<N>[]>(() => narrow(query()) as unknown as PromiseLike<Answer>)
  }

  /** Where the calendar was busy nothing was changed: whatever it is, it may be sent again. */
  async #patiently<T>(call: () => PromiseLike<Answer>): Promise<T> {
    for (const pause of BUSY) {
      try {
        return await this.#settle<T>(call())
      } catch (error) {
        if (!(error instanceof ChairtimeError && error.code === 'try_again')) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
    return this.#settle<T>(call())
  }

  async #settle<T>(call: PromiseLike<Answer>): Promise<T> {
    const { data, error, status } = await call.then(
      (answer) => answer,
      (reason: unknown) => ({ data: null, error: { message: String(reason) }, status: 0 }),
    )
    if (error) throw toChairtimeError(error, status)
    const now = serverNow(data)
    if (now) this.clock.set(now)
    return data as T
  }

  async #eventsSince(topic: string, afterId: number, max: number): Promise<ChairtimeEvent[]> {
    const rows = await this.rpc('events_since', { topic, after_id: afterId, max_events: max })
    return rows.map(({ id, payload, ...row }) => ({ ...payload, ...row, event_id: id }) as ChairtimeEvent)
  }
}

interface Answer {
  data: unknown
  error: { message?: string; code?: string; hint?: string; details?: unknown } | null
  status: number
}

function serverNow(data: unknown): string | null {
  const holder = Array.isArray(data) ? data[0] : data
  const now = (holder as { server_now?: unknown } | null)?.server_now
  return typeof now === 'string' ? now : null
}

export { ChairtimeError }
