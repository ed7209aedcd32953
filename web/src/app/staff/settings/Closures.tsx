import { useMutation, useQuery } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { type Clinic, type Closure, useChairtime } from '../../../chairtime'
import { Button, ErrorNotice, Skeleton } from '../../ui/parts'
import { useUndo } from '../../ui/Toasts'
import { PeriodText } from '../PeriodText'
import { TimeOffForm } from '../TimeOffForm'

/** When the whole clinic is closed: it binds everybody, also who comes later. */
export function Closures({ clinic }: { clinic: Clinic }) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const closures = useQuery({
    queryKey: ['closures', clinic.id],
    staleTime: 0,
    queryFn: () =>
      client.rows('closures', (rows) =>
        rows
          .eq('clinic_id', clinic.id)
          .gt('ends_at', new Date(client.clock.now()).toISOString())
          .order('starts_at'),
      ),
  })
  const refresh = () => void closures.refetch()
  const remove = useMutation({
    mutationFn: ({ id }: Closure) => client.rpc('remove_time_off', { time_off_id: id }),
    onSuccess: (_removed, { starts_at, ends_at, reason }) =>
      offerUndo('The clinic is open again.', () =>
        client
          .rpc('add_time_off', {
            clinic_id: clinic.id,
            starts_at,
            ends_at,
            ...(reason ? { reason } : {}),
          })
          .finally(refresh),
      ),
    onSettled: refresh,
  })
  return (
    <div className="panels">
      <section className="card panel-card" aria-label="Closures">
        <h2>Closed</h2>
        <ErrorNotice error={closures.error ?? remove.error} />
        {!closures.data && !closures.error && <Skeleton height={90} />}
        {closures.data?.length === 0 && <p className="muted">Nothing is planned.</p>}
        <ul className="rows">
          {closures.data?.map((closure) => (
            <li key={closure.id}>
              <div className="grow">
                <PeriodText period={closure} zone={clinic.time_zone} />
                <p className="muted small-text clip">{closure.reason}</p>
              </div>
              <Button
                className="icon small quiet danger"
                aria-label="Open the clinic again"
                busy={remove.isPending}
                onClick={() => remove.mutate(closure)}
              >
                <Trash2 size={16} />
              </Button>
            </li>
          ))}
        </ul>
      </section>
      <section className="card panel-card" aria-label="New closure">
        <h2>Close the clinic</h2>
        <TimeOffForm clinic={clinic} dentistId={null} mayCloseClinic onChanged={refresh} />
      </section>
    </div>
  )
}
