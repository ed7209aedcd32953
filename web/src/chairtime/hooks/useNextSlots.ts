import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { AppointmentType } from '../model'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

export interface NextQuery {
  appointmentType: AppointmentType | undefined
  /** Null: anybody. */
  dentistId?: string | null
  /** An instant, ISO 8601, from which on; now if left out. */
  fromTime?: string | null
  /** How many; the API's own number if left out. */
  count?: number
}

/** The next free slots of a type, live. */
export function useNextSlots({ appointmentType, dentistId = null, fromTime = null, count = 3 }: NextQuery) {
  const client = useChairtime()
  const queries = useQueryClient()
  const queryKey = ['chairtime', 'next', appointmentType?.id, dentistId, fromTime, count]
  const refresh = useFresh(queryKey)
  const query = useQuery({
    queryKey,
    enabled: appointmentType !== undefined,
    // As time goes by, the first of them pass.
    staleTime: 0,
    queryFn: () => {
      const wish = {
        appointment_type_id: (appointmentType as AppointmentType).id,
        max_results: count,
        ...(dentistId ? { dentist_id: dentistId } : {}),
        ...(fromTime ? { from_time: fromTime } : {}),
      }
      // Fetched again they are to show what has just happened.
      return queries.getQueryData(queryKey) ? client.rpc('next_slots', wish) : client.late('next_slots', wish)
    },
  })
  useTopic(appointmentType ? `availability:${appointmentType.clinic_id}` : null, {
    onEvent: refresh,
    onResync: refresh,
  })
  return { slots: query.data, error: query.error ?? query.failureReason, refresh }
}
