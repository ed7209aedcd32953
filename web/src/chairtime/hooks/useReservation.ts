import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import type { ChairtimeClient } from '../client'
import { ChairtimeError } from '../errors'
import { idempotent } from '../idempotency'
import type { Appointment, Reservation } from '../model'
import { useChairtime, useSession } from '../provider'
import { epoch } from '../time'
import { useCountdown } from './useCountdown'
import { useTopic } from './useTopic'

export interface Wanted {
  dentistId: string
  appointmentTypeId: string
  startsAt: string
  patientId?: string
}

interface Confirmation {
  notes?: string
  patientId?: string
}

/**
 * A hold on one slot: `reserve` takes it, `secondsLeft` counts down by the server's clock, `confirm` turns it into
 * an appointment. It survives a reload of the tab, and is released when the last component that shows it goes away.
 * A tab has one hold of each `name`: components that use the same name show the same hold. Another slot is taken before
 * the first is given back, so who gets no second one keeps the first.
 */
export function useReservation(name = 'booking') {
  const userId = useSession()?.user.id
  const { reservation, hasExpired, hold } = useHold(name, userId)
  const secondsLeft = useCountdown(reservation?.expires_at ?? null)
  useEffect(() => {
    if (secondsLeft === 0) hold.expire()
  }, [secondsLeft, hold])
  useReleaseOnLeave(hold)
  useTopic(userId ? `patient:${userId}` : null, {
    onEvent: ({ event, reservation_id }) => {
      if (!reservation_id || reservation_id !== hold.reservation?.id) return
      if (event === 'reservation_expired') hold.expire()
      if (event === 'reservation_released') hold.put(NONE)
    },
  })
  const confirm = useMutation<Appointment, Error, Confirmation>({
    mutationFn: (more) => hold.confirm(more),
    onSuccess: () => hold.put(NONE),
    onError: (error) => codeOf(error) === 'reservation_expired' && hold.expire(),
  })
  const reserve = useMutation<Reservation, ChairtimeError, Wanted>({
    mutationFn: (wanted) => hold.exchange(wanted),
    onSuccess: () => confirm.reset(),
  })
  return {
    reservation,
    secondsLeft,
    hasExpired,
    reserve,
    confirm,
    release: useCallback(() => hold.release(), [hold]),
    dismiss: () => hold.put(NONE),
  }
}

interface State {
  reservation: Reservation | null
  hasExpired: boolean
}

const NONE: State = { reservation: null, hasExpired: false }

/** The hold of a name, which all components that use the name have in common: the cache keeps it, the tab its id. */
function useHold(name: string, userId: string | undefined): State & { hold: Hold } {
  const client = useChairtime()
  const queries = useQueryClient()
  const hold = useMemo(() => new Hold(client, queries, name), [client, queries, name])
  const { data } = useQuery({ ...hold.query, enabled: userId !== undefined })
  return { ...(data ?? NONE), hold }
}

class Hold {
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

  put(next: State): void {
    this.#queries.setQueryData<State>(this.query.queryKey, next)
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

  get #state(): State {
    return this.#queries.getQueryData<State>(this.query.queryKey) ?? NONE
  }

  /** What is held once it is known what a reload has left. */
  async #settled(): Promise<Reservation | null> {
    await this.#queries
      .fetchQuery({ ...this.query, staleTime: Number.POSITIVE_INFINITY, retry: false })
      .catch(() => {})
    return this.reservation
  }

  /** After a reload: the tab remembers only the id, the server says whether it still holds. */
  async #restored(): Promise<State> {
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
  dentist_id: string
  appointment_type_id: string
  starts_at: string
  patient_id?: string
}

function asArgs({ dentistId, appointmentTypeId, startsAt, patientId }: Wanted): SlotArgs {
  return {
    dentist_id: dentistId,
    appointment_type_id: appointmentTypeId,
    starts_at: startsAt,
    ...(patientId ? { patient_id: patientId } : {}),
  }
}

function sameAs({ dentist_id, appointment_type_id, starts_at, patient_id }: Reservation): SlotArgs {
  return { dentist_id, appointment_type_id, starts_at, ...(patient_id ? { patient_id } : {}) }
}

function codeOf(error: unknown): string | null {
  return error instanceof ChairtimeError ? error.code : null
}

const LEAVE_GRACE = 300

/** A reload does not unmount, so it keeps the hold; leaving the page within the app gives it back. */
function useReleaseOnLeave(hold: Hold): void {
  const pending = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    clearTimeout(pending.current)
    return () => {
      pending.current = setTimeout(() => {
        if (!hold.isShown) void hold.release()
      }, LEAVE_GRACE)
    }
  }, [hold])
}
