import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { patchAppointments } from '../appointments'
import { idempotent } from '../idempotency'
import type { Appointment } from '../model'
import { useChairtime, useSession } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

interface Reschedule {
  appointment: Appointment
  startsAt: string
  dentistId?: string
}

const PAGE = 50

/**
 * The appointments of the signed-in patient, and of whom they act for, at every clinic, newest first, live; and what a patient can do
 * with one. `pages` is how many times fifty are wanted; `hasMore` says that there are others.
 */
export function useAppointments(pages = 1) {
  const client = useChairtime()
  const session = useSession()
  const queries = useQueryClient()
  const userId = session?.user.id
  const all = ['chairtime', 'appointments', userId]
  const queryKey = [...all, pages]
  const refresh = useFresh(all)
  const query = useQuery({
    queryKey,
    enabled: userId !== undefined,
    placeholderData: keepPreviousData,
    queryFn: () =>
      client.rows('appointments', (rows) =>
        rows
          .order('starts_at', { ascending: false })
          .order('id')
          .limit(PAGE * pages),
      ),
  })
  useTopic(userId ? `patient:${userId}` : null, {
    onResync: refresh,
    onEvent: (event) => {
      if (!event.event.startsWith('appointment_')) return
      queries.setQueriesData<Appointment[]>(
        { queryKey: all },
        (list) => list && patchAppointments(list, event),
      )
      refresh()
    },
  })
  const put = (changed: Appointment) =>
    queries.setQueriesData<Appointment[]>({ queryKey: all }, (list) =>
      list?.map((row) => (row.id === changed.id ? changed : row)),
    )
  const reschedule = useMutation({
    mutationFn: ({ appointment, startsAt, dentistId }: Reschedule) =>
      idempotent((idempotency_key) =>
        client.rpc('reschedule_appointment', {
          appointment_id: appointment.id,
          starts_at: startsAt,
          expected_version: appointment.version,
          idempotency_key,
          ...(dentistId ? { dentist_id: dentistId } : {}),
        }),
      ),
    onSuccess: put,
  })
  const cancel = useMutation({
    mutationFn: ({ appointment, reason }: { appointment: Appointment; reason?: string }) =>
      client.rpc('cancel_appointment', {
        appointment_id: appointment.id,
        expected_version: appointment.version,
        ...(reason ? { reason } : {}),
      }),
    onSuccess: put,
  })
  const confirm = useMutation({
    mutationFn: ({ id }: Appointment) => client.rpc('confirm_attendance', { appointment_id: id }),
    onSuccess: put,
  })
  return {
    appointments: query.data,
    hasMore: (query.data?.length ?? 0) >= PAGE * pages,
    isFetchingMore: query.isPlaceholderData,
    error: query.error ?? query.failureReason,
    isLoading: query.isLoading,
    refresh,
    reschedule,
    cancel,
    confirm,
  }
}
