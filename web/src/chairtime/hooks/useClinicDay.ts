import { type QueryKey, useQuery, useQueryClient } from '@tanstack/react-query'
import { concernsDay, patchDay } from '../day'
import type { ChairtimeEvent } from '../events'
import type { ClinicDay } from '../model'
import { useChairtime } from '../provider'
import { type Done, useDayActions } from './useDayActions'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

export interface DayQuery {
  clinicId: string
  /** The clinic's own calendar day, `YYYY-MM-DD`. */
  day: string
  /** Given for somebody who works only with one dentist's calendar (role `dentist`). */
  dentistId?: string | null
  /** Something was done to an appointment here: it can be taken back. */
  onDone?: (done: Done) => void
}

/** A clinic's day, live: hours, appointments, holds and time off of each dentist, and its chairs. */
export function useClinicDay({ clinicId, day, dentistId = null, onDone }: DayQuery) {
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
    ...useDayActions(queryKey, refresh, onDone),
  }
}

function dayKey(clinicId: string, day: string): QueryKey {
  return ['chairtime', 'day', clinicId, day]
}
