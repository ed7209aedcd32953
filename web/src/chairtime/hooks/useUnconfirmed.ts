import { useMutation, useQuery } from '@tanstack/react-query'
import type { UnconfirmedVisit } from '../model'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

/** While a message is being sent, this often it is asked what became of it. */
const LOOK_AGAIN = 4000

/** The visits of a day (`YYYY-MM-DD`) that are ahead and that nobody has confirmed, live; and confirming one. */
export function useUnconfirmed(clinicId: string, day: string) {
  const client = useChairtime()
  const all = ['chairtime', 'unconfirmed', clinicId]
  const refresh = useFresh(all)
  const query = useQuery({
    queryKey: [...all, day],
    // As time goes by, what was ahead is not any more.
    staleTime: 0,
    refetchInterval: ({ state }) =>
      state.data?.some(({ last_message }) => last_message === 'leased') && LOOK_AGAIN,
    queryFn: () => client.rpc('unconfirmed', { clinic_id: clinicId, day }),
  })
  useTopic(`clinic:${clinicId}`, {
    onResync: refresh,
    onEvent: ({ event }) => (event.startsWith('appointment_') || event === 'patient_updated') && refresh(),
  })
  const confirm = useMutation({
    mutationFn: ({ appointment_id }: UnconfirmedVisit) =>
      client.rpc('confirm_attendance', { appointment_id }),
    onSettled: refresh,
  })
  return { visits: query.data, error: query.error ?? query.failureReason, refresh, confirm }
}
