import { useQuery, useQueryClient } from '@tanstack/react-query'
import { listSlots } from '../listing'
import type { AppointmentType } from '../model'
import { useChairtime } from '../provider'
import { mergeSlots, needsFreshSlots, type ShownSlot, takeSlots } from '../slots'
import { intervalMs } from '../time'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

export interface SlotQuery {
  appointmentType: AppointmentType | undefined
  /** First and last day, in the clinic's calendar, `YYYY-MM-DD`; at most 62 days. */
  fromDate: string
  toDate: string
  dentistId?: string | null
  /** Who leads visits of this type, if that is known: what others have to do may then matter to parts of it. */
  leaderIds?: readonly string[] | undefined
  /** An appointment that is to be moved: the times to which it can. */
  appointmentId?: string | null
}

const DAY = 86_400_000

/** The free slots of a period, live: what others take turns `taken` in place, what they give back becomes free again. */
export function useAvailableSlots(asked: SlotQuery) {
  const { appointmentType, fromDate, toDate, dentistId = null, leaderIds, appointmentId = null } = asked
  const client = useChairtime()
  const queries = useQueryClient()
  const queryKey = ['chairtime', 'slots', appointmentType?.id, fromDate, toDate, dentistId, appointmentId]
  const refresh = useFresh(queryKey)
  const query = useQuery({
    queryKey,
    enabled: appointmentType !== undefined,
    queryFn: async () => {
      const listing = {
        appointment_type_id: (appointmentType as AppointmentType).id,
        from_date: fromDate,
        to_date: toDate,
        ...(dentistId ? { dentist_id: dentistId } : {}),
        ...(appointmentId ? { appointment_id: appointmentId } : {}),
      }
      // A list that is fetched again is to show what has just happened.
      const shown = queries.getQueryData<ShownSlot[]>(queryKey)
      return mergeSlots(shown ?? [], await listSlots(client, listing, !shown))
    },
  })
  useTopic(appointmentType ? `availability:${appointmentType.clinic_id}` : null, {
    onResync: refresh,
    onEvent: (event) => {
      if (!appointmentType) return
      const buffers = {
        before: intervalMs(appointmentType.buffer_before),
        after: intervalMs(appointmentType.buffer_after),
      }
      queries.setQueryData<ShownSlot[]>(queryKey, (shown) => shown && takeSlots(shown, event, buffers))
      // Dates are the clinic's, instants are not: a day of margin spares the time zone arithmetic.
      const [from, until] = [Date.parse(fromDate) - DAY, Date.parse(toDate) + 2 * DAY]
      const scope = { dentistId, leaderIds, from, until }
      if (needsFreshSlots(event, scope)) refresh()
    },
  })
  return { slots: query.data, error: query.error ?? query.failureReason, isLoading: query.isLoading, refresh }
}
