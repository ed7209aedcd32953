import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type ChairtimeClient,
  type Clinic,
  idempotent,
  type Period,
  type Slot,
  type StandIn,
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

/** Who is away, as the select has it, and when. */
interface Away {
  who: string
  period: Period
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
    ...useHandling(clinic, { who, period }, refresh, setOutcome),
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

function useHandling(
  clinic: Clinic,
  absence: Away,
  refresh: () => void,
  setOutcome: (id: string, outcome: string) => void,
) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const takeBack = (act: () => Promise<unknown>) => lifted(client, clinic, absence, act).finally(refresh)
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
    mutationFn: ({ entry, slot }: { entry: WorklistEntry; slot: Slot; leader: string }) =>
      moveTo(entry, slot),
    onSuccess: (moved, { entry, leader }) => {
      const time = `${nearTime(moved.starts_at, clinic.time_zone)} with ${leader}`
      setOutcome(entry.id, `Moved to ${time}`)
      offerUndo(`${entry.patient_name}: moved to ${time}.`, () => takeBack(() => moveTo(moved, entry)))
    },
    onSettled: refresh,
  })
  const seat = useMutation({
    mutationFn: ({ entry, standIn: { part, resource_id } }: { entry: WorklistEntry; standIn: StandIn }) =>
      client.rpc('move_to_resource', { appointment_id: entry.id, part, resource_id }),
    onSuccess: (seated, { entry, standIn: { part, name } }) => {
      setOutcome(entry.id, `Stays, with ${name}`)
      offerUndo(`${entry.patient_name}: now with ${name}.`, () =>
        takeBack(() =>
          client.rpc('move_to_resource', { appointment_id: seated.id, part, resource_id: absence.who }),
        ),
      )
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
        takeBack(() =>
          client.rpc('set_appointment_status', {
            appointment_id: cancelled.id,
            status: 'booked',
            expected_version: cancelled.version,
          }),
        ),
      )
    },
    onSettled: refresh,
  })
  return { move, seat, cancel, setOutcome }
}

/** Does what needs the absence's own time: where that is blocked already, the block is lifted for it, and put back over it. */
async function lifted(
  client: ChairtimeClient,
  clinic: Clinic,
  { who, period }: Away,
  act: () => Promise<unknown>,
) {
  const isClosure = who === WHOLE_CLINIC
  const blocks = isClosure
    ? await client.rows('closures', (rows) => within(rows, clinic, period))
    : await client.rows('time_off', (rows) => within(rows, clinic, period).eq('resource_id', who))
  for (const { id } of blocks) await client.rpc('remove_time_off', { time_off_id: id as string })
  try {
    await act()
  } finally {
    for (const { starts_at, ends_at, reason } of blocks) {
      await client.rpc('add_time_off', {
        clinic_id: clinic.id,
        starts_at: starts_at as string,
        ends_at: ends_at as string,
        ...(isClosure ? {} : { resource_id: who }),
        ...(reason ? { reason } : {}),
        on_conflict: 'keep',
      })
    }
  }
}

function within<
  Q extends {
    eq(name: string, value: string): Q
    lt(name: string, value: string): Q
    gt(name: string, value: string): Q
  },
>(rows: Q, clinic: Clinic, { starts_at, ends_at }: Period): Q {
  return rows.eq('clinic_id', clinic.id).lt('starts_at', ends_at).gt('ends_at', starts_at)
}
