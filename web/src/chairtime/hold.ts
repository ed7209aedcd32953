import type { QueryClient } from '@tanstack/react-query'
import type { ChairtimeClient } from './client'
import { ChairtimeError } from './errors'
import { idempotent } from './idempotency'
import type { Appointment, Reservation } from './model'
import { epoch } from './time'

export interface Wanted {
  /** Null: whoever is free. */
  dentistId: string | null
  appointmentTypeId: string
  startsAt: string
  patientId?: string
}

export interface Confirmation {
  notes?: string
  patientId?: string
}

export interface HoldState {
  reservation: Reservation | null
  hasExpired: boolean
}

export const NONE: HoldState = { reservation: null, hasExpired: false }

/** What one tab holds under a name: the cache keeps it for all who show it, the tab's storage its id for a reload. */
export class Hold {
  readonly #client: ChairtimeClient
  readonly #queries: QueryClient
  readonly #stored: string

  constructor(client: ChairtimeClient, queries: QueryClient, name: string) {
    this.#client = client
    this.#queries = queries
    this.#stored = `chairtime.reservation:${name}`
  }

  get query() {
    return { queryKey: ['chairtime', 'hold', this.#stored], queryFn: () => this.#restored() }
  }

  get reservation(): Reservation | null {
    return this.#state.reservation
  }

  get isShown(): boolean {
    return (this.#queries.getQueryCache().find(this.query)?.getObserversCount() ?? 0) > 0
  }

  put(next: HoldState): void {
    this.#queries.setQueryData<HoldState>(this.query.queryKey, next)
    if (next.reservation) sessionStorage.setItem(this.#stored, next.reservation.id)
    else sessionStorage.removeItem(this.#stored)
  }

  expire(): void {
    if (this.reservation) this.put({ reservation: null, hasExpired: true })
  }

  async release(): Promise<void> {
    const { reservation } = this
    this.put(NONE)
    if (reservation) await this.#release(reservation)
  }

  /** Takes a slot, and only then gives back the one held until now. */
  async exchange(wanted: Wanted): Promise<Reservation> {
    const before = await this.#settled()
    const next = await this.#take(asArgs(wanted)).catch(async (error: unknown) => {
      if (!before || codeOf(error) !== 'reservation_limit') throw error
      return this.#swap(before, asArgs(wanted))
    })
    this.put({ reservation: next, hasExpired: false })
    if (before && before.id !== next.id) void this.#release(before)
    return next
  }

  async confirm({ notes, patientId }: Confirmation): Promise<Appointment> {
    const reservation = await this.#settled()
    if (!reservation) {
      throw new ChairtimeError({ code: 'reservation_expired', message: 'There is no hold to confirm.' })
    }
    return idempotent((idempotency_key) =>
      this.#client.rpc('confirm_reservation', {
        reservation_id: reservation.id,
        idempotency_key,
        ...(notes ? { notes } : {}),
        ...(patientId ? { patient_id: patientId } : {}),
      }),
    )
  }

  get #state(): HoldState {
    return this.#queries.getQueryData<HoldState>(this.query.queryKey) ?? NONE
  }

  /** What is held once it is known what a reload has left. */
  async #settled(): Promise<Reservation | null> {
    if (this.reservation) return this.reservation
    await this.#queries
      .fetchQuery({ ...this.query, staleTime: Number.POSITIVE_INFINITY, retry: false })
      .catch(() => {})
    return this.reservation
  }

  /** After a reload: the tab remembers only the id, the server says whether it still holds. */
  async #restored(): Promise<HoldState> {
    const id = sessionStorage.getItem(this.#stored)
    if (!id) return this.#state
    const [found] = await this.#client.rows('slot_reservations', (rows) => rows.eq('id', id))
    if (found && epoch(found.expires_at) > this.#client.clock.now()) {
      return { reservation: found, hasExpired: false }
    }
    sessionStorage.removeItem(this.#stored)
    return NONE
  }

  /** Where no second hold is allowed: the first is given back, and taken again if the other cannot be had. */
  async #swap(before: Reservation, args: SlotArgs): Promise<Reservation> {
    await this.#release(before)
    try {
      return await this.#take(args)
    } catch (error) {
      const again = await this.#take(sameAs(before)).catch(() => null)
      this.put({ reservation: again, hasExpired: again === null })
      throw error
    }
  }

  #take(args: SlotArgs): Promise<Reservation> {
    return idempotent((idempotency_key) => this.#client.rpc('reserve_slot', { ...args, idempotency_key }))
  }

  /** Idempotent, and a hold that cannot be released expires by itself: a failure here needs no message. */
  async #release({ id }: Reservation): Promise<void> {
    await this.#client.rpc('release_reservation', { reservation_id: id }).catch(() => {})
  }
}

interface SlotArgs {
  dentist_id?: string
  appointment_type_id: string
  starts_at: string
  patient_id?: string
}

function asArgs({ dentistId, appointmentTypeId, startsAt, patientId }: Wanted): SlotArgs {
  return {
    appointment_type_id: appointmentTypeId,
    starts_at: startsAt,
    ...(dentistId ? { dentist_id: dentistId } : {}),
    ...(patientId ? { patient_id: patientId } : {}),
  }
}

function sameAs({ dentist_id, appointment_type_id, starts_at, patient_id }: Reservation): SlotArgs {
  return { dentist_id, appointment_type_id, starts_at, ...(patient_id ? { patient_id } : {}) }
}

export function codeOf(error: unknown): string | null {
  return error instanceof ChairtimeError ? error.code : null
}
