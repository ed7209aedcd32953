import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type Clinic,
  idempotent,
  type Period,
  type Slot,
  useChairtime,
  useFresh,
  useTopic,
  type WorklistEntry,
} from '../../../chairtime'
import { nearTime } from '../../format'
import { useUndo } from '../../ui/Toasts'
import { WHOLE_CLINIC } from './AbsencePage'

/** Whoever was listed stays on the list, also when handled, here or by a colleague. */
export interface Handled {
  entry: WorklistEntry
  outcome: string
}

const AWAY = 'The dentist is away.'

/** Who is in the way of an absence, live; moving and cancelling each of them. */
export function useWorklist(clinic: Clinic, who: string, period: Period, ownId: string | null) {
  const client = useChairtime()
  const queryKey = ['chairtime', 'worklist', clinic.id, who, period.starts_at, period.ends_at]
  const refresh = useFresh(queryKey)
  const isAsked = who !== '' && Date.parse(period.starts_at) < Date.parse(period.ends_at)
  const query = useQuery({
    queryKey,
    enabled: isAsked,
    staleTime: 0,
    queryFn: () =>
      client.rpc('absence_worklist', {
        clinic_id: clinic.id,
        ...period,
        ...(who === WHOLE_CLINIC ? {} : { dentist_id: who }),
      }),
  })
  const live = { onEvent: refresh, onResync: refresh }
  useTopic(isAsked ? (ownId ? `dentist:${ownId}` : `clinic:${clinic.id}`) : null, live)
  const entries = isAsked ? query.data?.appointments : undefined
  const { handled, setOutcome } = useHandled(JSON.stringify(queryKey), entries)
  return {
    entries,
    handled,
    error: query.error ?? query.failureReason,
    refresh,
    ...useHandling(clinic, refresh, setOutcome),
  }
}

/** Everybody who was ever listed for this absence and is in its way no more, and what is known of why. */
function useHandled(absence: string, entries: WorklistEntry[] | undefined) {
  const [seen, setSeen] = useState<{ absence: string; byId: ReadonlyMap<string, WorklistEntry> }>()
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, string>>(new Map())
  if (seen?.absence !== absence) setSeen({ absence, byId: new Map() })
  else if (entries?.some(({ id }) => !seen.byId.has(id))) {
    setSeen({ absence, byId: new Map([...seen.byId, ...entries.map((entry) => [entry.id, entry] as const)]) })
  }
  const known = seen?.absence === absence ? [...seen.byId.values()] : []
  const handled: Handled[] = known
    .filter(({ id }) => entries && !entries.some((entry) => entry.id === id))
    .map((entry) => ({ entry, outcome: outcomes.get(entry.id) ?? 'Not in the way any more' }))
  return {
    handled,
    setOutcome: (id: string, outcome: string) => setOutcomes((before) => new Map(before).set(id, outcome)),
  }
}

function useHandling(clinic: Clinic, refresh: () => void, setOutcome: (id: string, outcome: string) => void) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const moveTo = ({ id, version }: Pick<WorklistEntry, 'id' | 'version'>, slot: Omit<Slot, 'ends_at'>) =>
    idempotent((idempotency_key) =>
      client.rpc('reschedule_appointment', {
        appointment_id: id,
        starts_at: slot.starts_at,
        dentist_id: slot.dentist_id,
        expected_version: version,
        idempotency_key,
      }),
    )
  const move = useMutation({
    mutationFn: ({ entry, slot }: { entry: WorklistEntry; slot: Slot }) => moveTo(entry, slot),
    onSuccess: (moved, { entry }) => {
      const time = nearTime(moved.starts_at, clinic.time_zone)
      setOutcome(entry.id, `Moved to ${time}`)
      offerUndo(`${entry.patient_name}: moved to ${time}.`, () => moveTo(moved, entry).finally(refresh))
    },
    onSettled: refresh,
  })
  const cancel = useMutation({
    mutationFn: (entry: WorklistEntry) =>
      client.rpc('cancel_appointment', {
        appointment_id: entry.id,
        reason: AWAY,
        expected_version: entry.version,
      }),
    onSuccess: (cancelled, entry) => {
      setOutcome(entry.id, 'Cancelled')
      offerUndo(`${entry.patient_name}: cancelled.`, () =>
        client
          .rpc('set_appointment_status', {
            appointment_id: cancelled.id,
            status: 'booked',
            expected_version: cancelled.version,
          })
          .finally(refresh),
      )
    },
    onSettled: refresh,
  })
  return { move, cancel, setOutcome }
}
