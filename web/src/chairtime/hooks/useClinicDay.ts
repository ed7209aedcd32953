import { type QueryKey, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { concernsDay, type Move, moveOnBoard, patchDay, statusOnBoard } from '../day'
import type { ChairtimeEvent } from '../events'
import { idempotent } from '../idempotency'
import type { Appointment, AppointmentStatus, ClinicDay, DayAppointment } from '../model'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

export interface DayQuery {
  clinicId: string
  /** The clinic's own calendar day, `YYYY-MM-DD`. */
  day: string
  /** Given for somebody who works only with one dentist's calendar (role `dentist`). */
  dentistId?: string | null
}

/** A clinic's day, live: hours, appointments, holds and time off of each dentist. */
export function useClinicDay({ clinicId, day, dentistId = null }: DayQuery) {
  const client = useChairtime()
  const queries = useQueryClient()
  const queryKey = dayKey(clinicId, day)
  const topic = dentistId ? `dentist:${dentistId}` : `clinic:${clinicId}`
  const refresh = useFresh(queryKey)
  const query = useQuery({
    queryKey,
    queryFn: async () => {
      const board = await client.rpc('clinic_day', { clinic_id: clinicId, day })
      for (const dentist of board.dentists)
        client.hub.baseline(topic, dentist.dentist_id, dentist.dentist_seq)
      return board
    },
  })
  const onEvent = (event: ChairtimeEvent) => {
    const board = queries.getQueryData<ClinicDay>(queryKey)
    if (board && !concernsDay(board, event)) return
    queries.setQueryData<ClinicDay>(queryKey, (shown) => shown && patchDay(shown, event))
    refresh()
  }
  useTopic(topic, { onEvent, onResync: refresh })
  // Changed hours and time off are announced to everybody, without a cause.
  useTopic(`availability:${clinicId}`, { onEvent, onResync: refresh })
  return {
    day: query.data,
    error: query.error ?? query.failureReason,
    isLoading: query.isLoading,
    refresh,
    ...useDayActions(queryKey, refresh),
  }
}

function dayKey(clinicId: string, day: string): QueryKey {
  return ['chairtime', 'day', clinicId, day]
}

/** Moves and statuses show at once and roll back when the server refuses. */
function useDayActions(queryKey: QueryKey, refresh: () => void) {
  const client = useChairtime()
  const queries = useQueryClient()
  const optimistic = <Variables>(
    send: (variables: Variables) => Promise<Appointment>,
    preview: (board: ClinicDay, variables: Variables) => ClinicDay,
  ) => ({
    mutationFn: send,
    onMutate: async (variables: Variables) => {
      await queries.cancelQueries({ queryKey })
      const before = queries.getQueryData<ClinicDay>(queryKey)
      queries.setQueryData<ClinicDay>(queryKey, (board) => board && preview(board, variables))
      return { before }
    },
    onError: (_error: Error, _variables: Variables, context: { before: ClinicDay | undefined } | undefined) =>
      queries.setQueryData(queryKey, context?.before),
    onSettled: refresh,
  })
  const move = useMutation(
    optimistic(
      ({ appointment, ...to }: { appointment: DayAppointment; dentistId: string; startsAt: string }) =>
        idempotent((idempotency_key) =>
          client.rpc('reschedule_appointment', {
            appointment_id: appointment.id,
            starts_at: to.startsAt,
            dentist_id: to.dentistId,
            expected_version: appointment.version,
            idempotency_key,
          }),
        ),
      (board, { appointment, ...to }): ClinicDay =>
        moveOnBoard(board, { appointmentId: appointment.id, ...to } satisfies Move),
    ),
  )
  const setStatus = useMutation(
    optimistic(
      ({
        appointment,
        status,
        reason,
      }: {
        appointment: DayAppointment
        status: AppointmentStatus
        reason?: string
      }) =>
        status === 'cancelled'
          ? client.rpc('cancel_appointment', {
              appointment_id: appointment.id,
              expected_version: appointment.version,
              ...(reason ? { reason } : {}),
            })
          : client.rpc('set_appointment_status', {
              appointment_id: appointment.id,
              status,
              expected_version: appointment.version,
            }),
      (board, { appointment, status }) => statusOnBoard(board, appointment.id, status),
    ),
  )
  return { move, setStatus }
}
