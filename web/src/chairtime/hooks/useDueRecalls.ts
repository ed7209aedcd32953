import { useMutation, useQuery } from '@tanstack/react-query'
import type { DueRecall } from '../model'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

/** As many as one sees at once: what comes after moves up as these are done. */
const SHOWN = 100

/** Whom to call because they are due until a day (`YYYY-MM-DD`), the longest due first, live; and asking them later. */
export function useDueRecalls(clinicId: string, until: string) {
  const client = useChairtime()
  const all = ['chairtime', 'recalls', clinicId]
  const refresh = useFresh(all)
  const query = useQuery({
    queryKey: [...all, until],
    queryFn: async () => (await client.rpc('due_recalls', { clinic_id: clinicId, until })).slice(0, SHOWN),
  })
  useTopic(`clinic:${clinicId}`, {
    onResync: refresh,
    onEvent: ({ event }) =>
      (event === 'recall_changed' || event.startsWith('appointment_') || event === 'patient_updated') &&
      refresh(),
  })
  const pause = useMutation({
    mutationFn: ({ recall, day }: { recall: DueRecall; day: string }) =>
      client.rpc('set_recall', {
        patient_id: recall.patient_id,
        recall_type_id: recall.recall_type_id,
        paused_until: day,
      }),
    onSettled: refresh,
  })
  return { recalls: query.data, error: query.error ?? query.failureReason, refresh, pause }
}
