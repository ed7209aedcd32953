import { useMutation } from '@tanstack/react-query'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { ChairtimeError } from '../errors'
import { idempotent } from '../idempotency'
import type { Reservation } from '../model'
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

const STORED = 'chairtime.reservation'
const LEAVE_GRACE = 300

/**
 * A hold on one slot: `reserve` takes it, `secondsLeft` counts down by the server's clock, `confirm` turns it into
 * an appointment. It survives a reload of the tab, and is released when the component goes away.
 */
export function useReservation() {
  const client = useChairtime()
  const userId = useSession()?.user.id
  const [reservation, setReservation] = useState<Reservation | null>(null)
  const [hasExpired, setExpired] = useState(false)
  const held = useRef<Reservation | null>(null)
  const secondsLeft = useCountdown(reservation?.expires_at ?? null)

  const keep = useCallback((next: Reservation | null) => {
    held.current = next
    setReservation(next)
    if (next) sessionStorage.setItem(STORED, next.id)
    else sessionStorage.removeItem(STORED)
  }, [])
  const expire = useCallback(() => {
    if (!held.current) return
    keep(null)
    setExpired(true)
  }, [keep])
  useEffect(() => {
    if (secondsLeft === 0) expire()
  }, [secondsLeft, expire])

  const release = useCallback(async () => {
    const current = held.current
    keep(null)
    // Idempotent, and a hold that cannot be released expires by itself: a failure here needs no message.
    if (current) await client.rpc('release_reservation', { reservation_id: current.id }).catch(() => {})
  }, [client, keep])

  useRestored(userId, keep)
  useReleaseOnLeave(release)
  useTopic(userId ? `patient:${userId}` : null, {
    onEvent: ({ event, reservation_id }) => {
      if (!held.current || reservation_id !== held.current.id) return
      if (event === 'reservation_expired') expire()
      if (event === 'reservation_released') keep(null)
    },
  })

  const confirm = useMutation({
    mutationFn: ({ notes, patientId }: { notes?: string; patientId?: string }) =>
      idempotent((idempotency_key) =>
        client.rpc('confirm_reservation', {
          reservation_id: (held.current as Reservation).id,
          idempotency_key,
          ...(notes ? { notes } : {}),
          ...(patientId ? { patient_id: patientId } : {}),
        }),
      ),
    onSuccess: () => keep(null),
  })
  const reserve = useMutation<Reservation, ChairtimeError, Wanted>({
    mutationFn: async (wanted) => {
      await release()
      return idempotent((idempotency_key) =>
        client.rpc('reserve_slot', { ...asArgs(wanted), idempotency_key }),
      )
    },
    onSuccess: (next) => {
      setExpired(false)
      confirm.reset()
      keep(next)
    },
  })
  return { reservation, secondsLeft, hasExpired, reserve, confirm, release, dismiss: () => setExpired(false) }
}

function asArgs({ dentistId, appointmentTypeId, startsAt, patientId }: Wanted) {
  return {
    dentist_id: dentistId,
    appointment_type_id: appointmentTypeId,
    starts_at: startsAt,
    ...(patientId ? { patient_id: patientId } : {}),
  }
}

/** After a reload: the tab remembers only the id, the server says whether it still holds. */
function useRestored(userId: string | undefined, keep: (reservation: Reservation | null) => void): void {
  const client = useChairtime()
  useEffect(() => {
    const id = sessionStorage.getItem(STORED)
    if (!id || !userId) return
    let current = true
    void client
      .rows('slot_reservations', (rows) => rows.eq('id', id))
      .then(([found]) => {
        if (current) keep(found && epoch(found.expires_at) > client.clock.now() ? found : null)
      })
      .catch(() => {})
    return () => {
      current = false
    }
  }, [client, userId, keep])
}

/** A reload does not unmount, so it keeps the hold; leaving the page within the app gives it back. */
function useReleaseOnLeave(release: () => Promise<void>): void {
  const pending = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    clearTimeout(pending.current)
    return () => {
      pending.current = setTimeout(() => void release(), LEAVE_GRACE)
    }
  }, [release])
}
