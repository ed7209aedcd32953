import { useMutation, useQuery } from '@tanstack/react-query'
import type { ChairtimeClient } from '../client'
import { patientNames } from '../messages'
import type { Appointment, Reply } from '../model'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

/** A reply that a person is to read, with who wrote it and which visit is meant: the one it names, or their next. */
export interface InboxReply extends Reply {
  patientName: string | null
  visit: Appointment | null
}

/** As many as one sees at once: what is older comes up as these are done. */
const SHOWN = 100

/** The replies that nobody understood and nobody has handled, the oldest first, live. */
export function useReplies(clinicId: string) {
  const client = useChairtime()
  const queryKey = ['chairtime', 'replies', clinicId]
  const refresh = useFresh(queryKey)
  const query = useQuery({
    queryKey,
    queryFn: () => inbox(client, clinicId),
  })
  useTopic(`clinic:${clinicId}`, {
    onResync: refresh,
    onEvent: ({ event }) => event.startsWith('reply_') && refresh(),
  })
  const handle = useMutation({
    mutationFn: ({ reply, answer }: { reply: Reply; answer?: string }) =>
      client.rpc('handle_reply', { reply_id: reply.id, ...(answer ? { answer } : {}) }),
    onSettled: refresh,
  })
  return { replies: query.data, error: query.error ?? query.failureReason, refresh, handle }
}

async function inbox(client: ChairtimeClient, clinicId: string): Promise<InboxReply[]> {
  const replies = await client.rows('message_replies', (rows) =>
    rows
      .eq('clinic_id', clinicId)
      .eq('outcome', 'desk')
      .is('handled_at', null)
      .order('received_at')
      .order('id')
      .limit(SHOWN),
  )
  const [names, visits] = await Promise.all([
    patientNames(
      client,
      replies.map(({ patient_id }) => patient_id),
    ),
    visitsOf(client, replies),
  ])
  return replies.map((reply) => ({
    ...reply,
    patientName: names.get(reply.patient_id ?? '') ?? null,
    visit:
      visits.find(({ id }) => id === reply.appointment_id) ??
      visits.find(({ patient_id }) => patient_id === reply.patient_id) ??
      null,
  }))
}

/** The visits that replies name, and those ahead of who wrote them, the next first. */
async function visitsOf(client: ChairtimeClient, replies: Reply[]): Promise<Appointment[]> {
  const ids = (key: 'appointment_id' | 'patient_id') =>
    `(${[...new Set(replies.map((reply) => reply[key]).filter((id) => id !== null))].join(',')})`
  const [named, of] = [ids('appointment_id'), ids('patient_id')]
  const now = new Date(client.clock.now()).toISOString()
  const wanted = [
    ...(named === '()' ? [] : [`id.in.${named}`]),
    ...(of === '()' ? [] : [`and(patient_id.in.${of},status.eq.booked,starts_at.gt.${now})`]),
  ]
  if (wanted.length === 0) return []
  return client.rows('appointments', (rows) => rows.or(wanted.join(',')).order('starts_at').order('id'))
}
