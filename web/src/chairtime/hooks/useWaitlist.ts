import { useMutation, useQuery } from '@tanstack/react-query'
import type { ChairtimeClient } from '../client'
import { idempotent } from '../idempotency'
import { patientNames } from '../messages'
import type { JoinArgs, Offer, Wish } from '../model'
import { useChairtime, useSession } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

/** Whose wishes: all of a clinic's, for its desk, or those of patients, for whoever acts for them. */
export type WishesOf = { clinicId: string } | { patientIds: string[] }

/** An open wish, and whose it is. */
export type OpenWish = Wish & { patientName: string | null }

/** As many as one looks through. */
const SHOWN = 200

/** The open wishes in the order in which they are served, live, and what is done about them. */
export function useWaitlist(of: WishesOf) {
  const client = useChairtime()
  const userId = useSession()?.user.id
  const isClinic = 'clinicId' in of
  const queryKey = ['chairtime', 'waitlist', of]
  const refresh = useFresh(queryKey)
  const query = useQuery({
    queryKey,
    enabled: userId !== undefined && (isClinic || of.patientIds.length > 0),
    queryFn: () => open(client, of),
  })
  useTopic(isClinic ? `clinic:${of.clinicId}` : userId ? `patient:${userId}` : null, {
    onResync: refresh,
    onEvent: ({ event }) =>
      (event.startsWith('waitlist_') || event.startsWith('reservation_') || event === 'patient_updated') &&
      refresh(),
  })
  const leave = useMutation({
    mutationFn: ({ id }: Wish) => client.rpc('leave_waitlist', { waitlist_id: id }),
    onSettled: refresh,
  })
  const accept = useMutation({
    mutationFn: ({ reservation_id }: Offer) =>
      idempotent((idempotency_key) => client.rpc('confirm_reservation', { reservation_id, idempotency_key })),
    onSettled: refresh,
  })
  const decline = useMutation({
    mutationFn: ({ reservation_id }: Offer) => client.rpc('release_reservation', { reservation_id }),
    onSettled: refresh,
  })
  return { wishes: query.data, error: query.error ?? query.failureReason, refresh, leave, accept, decline }
}

/** Putting somebody on the list; asking again keeps the place and changes what is waited for. */
export function useJoinWaitlist() {
  const client = useChairtime()
  const refresh = useFresh(['chairtime', 'waitlist'])
  return useMutation<Wish, Error, JoinArgs>({
    mutationFn: (wanted) => client.rpc('join_waitlist', wanted),
    onSettled: refresh,
  })
}

async function open(client: ChairtimeClient, of: WishesOf): Promise<OpenWish[]> {
  const wishes = await client.rows('waitlist', (rows) =>
    ('clinicId' in of ? rows.eq('clinic_id', of.clinicId) : rows.in('patient_id', of.patientIds))
      .is('outcome', null)
      .order('priority', { ascending: false })
      .order('created_at')
      .order('id')
      .limit(SHOWN),
  )
  const names = await patientNames(
    client,
    wishes.map(({ patient_id }) => patient_id),
  )
  return wishes.map((wish) => ({ ...wish, patientName: names.get(wish.patient_id) ?? null }))
}
