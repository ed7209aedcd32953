import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { isOnItsWay } from '../messages'
import type { Message } from '../model'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

/** Whose messages: those of a visit, those to a patient, or those that somebody should look after. */
export type MessagesOf = { patientId: string; appointmentId?: string } | 'troubled'

const PAGE = 10
/** What becomes of a message that is on its way, no event tells. */
const LOOK_AGAIN = 4000

/** Messages of a clinic, the latest first, live, and sending one once more. For admins and receptionists. */
export function useMessages(clinicId: string, of: MessagesOf) {
  const client = useChairtime()
  const [pages, setPages] = useState(1)
  const all = ['chairtime', 'messages', clinicId]
  const refresh = useFresh(all)
  const query = useQuery({
    queryKey: [...all, of, pages],
    staleTime: 0,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => state.data?.some(isOnItsWay(client.clock.now())) && LOOK_AGAIN,
    queryFn: () =>
      client.rows(of === 'troubled' ? 'troubled_messages' : 'messages', (rows) => {
        let wanted = rows.eq('clinic_id', clinicId)
        if (of !== 'troubled') wanted = wanted.eq('patient_id', of.patientId)
        // By the patient they are found; the visit's are among theirs.
        if (of !== 'troubled' && of.appointmentId) wanted = wanted.eq('appointment_id', of.appointmentId)
        return (
          wanted
            .order('due_at', { ascending: false })
            .order('id')
            // One more than is shown says whether there is another page.
            .limit(PAGE * pages + 1)
        )
      }),
  })
  useTopic(`clinic:${clinicId}`, {
    onResync: refresh,
    onEvent: ({ event }) => event.startsWith('appointment_') && refresh(),
  })
  const resend = useMutation({
    mutationFn: ({ id }: Message) => client.rpc('resend_message', { message_id: id }),
    onSuccess: refresh,
  })
  return {
    messages: query.data?.slice(0, PAGE * pages),
    hasMore: (query.data?.length ?? 0) > PAGE * pages,
    isLoadingMore: query.isPlaceholderData,
    more: () => setPages(pages + 1),
    error: query.error ?? query.failureReason,
    refresh,
    resend,
  }
}
