import { useMutation, useQuery } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { type Clinic, type Period, useChairtime, useFresh, useTopic } from '../../../chairtime'
import { Button, ErrorNotice } from '../../ui/parts'
import { useUndo } from '../../ui/Toasts'
import { PeriodText } from '../PeriodText'

interface Props {
  clinic: Clinic
  names: ReadonlyMap<string, string>
  ownId: string | null
  mayCloseClinic: boolean
}

interface Planned extends Period {
  id: string
  reason: string | null
  /** Null: the whole clinic. */
  resourceId: string | null
}

/** Who is away from now on, and when the clinic is closed. */
export function PlannedAbsences({ clinic, names, ownId, mayCloseClinic }: Props) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const { planned, error, refresh } = usePlanned(clinic.id, ownId)
  const remove = useMutation({
    mutationFn: ({ id }: Planned) => client.rpc('remove_time_off', { time_off_id: id }),
    onSuccess: (_removed, { starts_at, ends_at, reason, resourceId }) =>
      offerUndo(resourceId ? 'The absence is removed.' : 'The clinic is open again.', () =>
        client
          .rpc('add_time_off', {
            clinic_id: clinic.id,
            starts_at,
            ends_at,
            ...(resourceId ? { resource_id: resourceId } : {}),
            ...(reason ? { reason } : {}),
          })
          .finally(refresh),
      ),
    onSettled: refresh,
  })
  if (planned?.length === 0) return null
  return (
    <section className="card panel-card" aria-label="Entered absences">
      <h2>Entered already</h2>
      <ErrorNotice error={error ?? remove.error} />
      <ul className="rows">
        {planned?.map((row) => {
          const name = row.resourceId ? (names.get(row.resourceId) ?? 'Somebody') : 'The whole clinic'
          return (
            <li key={row.id}>
              <div className="grow">
                <strong className="clip">{name}</strong>
                <p className="small-text">
                  <PeriodText period={row} zone={clinic.time_zone} />
                </p>
                {row.reason && <p className="muted small-text clip">{row.reason}</p>}
              </div>
              {(row.resourceId !== null || mayCloseClinic) && (
                <Button
                  className="icon small quiet danger"
                  aria-label={`Remove: ${name}`}
                  busy={remove.isPending}
                  onClick={() => remove.mutate(row)}
                >
                  <Trash2 size={16} />
                </Button>
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function usePlanned(clinicId: string, ownId: string | null) {
  const client = useChairtime()
  const queryKey = ['planned absences', clinicId, ownId]
  const refresh = useFresh(queryKey)
  const query = useQuery({
    queryKey,
    staleTime: 0,
    queryFn: async (): Promise<Planned[]> => {
      const now = new Date(client.clock.now()).toISOString()
      const [off, closures] = await Promise.all([
        client.rows('time_off', (rows) => {
          const ahead = rows.eq('clinic_id', clinicId).gt('ends_at', now)
          return ownId ? ahead.eq('resource_id', ownId) : ahead
        }),
        client.rows('closures', (rows) => rows.eq('clinic_id', clinicId).gt('ends_at', now)),
      ])
      const rows = [
        ...off.map((row) => ({ ...row, resourceId: row.resource_id as string | null })),
        ...closures.map((row) => ({ ...row, resourceId: null })),
      ] as Planned[]
      return rows.toSorted((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at))
    },
  })
  useTopic(`availability:${clinicId}`, {
    onResync: refresh,
    onEvent: ({ event }) => {
      if (event === 'hours_changed' || event === 'availability_changed') refresh()
    },
  })
  return { planned: query.data, error: query.error ?? query.failureReason, refresh }
}
