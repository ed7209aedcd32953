import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import type { ChairtimeError } from '../errors'
import { codeOf, type Confirmation, Hold, type HoldState, NONE, type Wanted } from '../hold'
import type { Appointment, Reservation } from '../model'
import { useChairtime, useSession } from '../provider'
import { useCountdown } from './useCountdown'
import { useTopic } from './useTopic'

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

/** The hold of a name, which all components that use the name have in common: the cache keeps it, the tab its id. */
function useHold(name: string, userId: string | undefined): HoldState & { hold: Hold } {
  const client = useChairtime()
  const queries = useQueryClient()
  const hold = useMemo(() => new Hold(client, queries, name), [client, queries, name])
  const { data } = useQuery({ ...hold.query, enabled: userId !== undefined })
  return { ...(data ?? NONE), hold }
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
