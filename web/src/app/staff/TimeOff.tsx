import { useMutation } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import {
  type Availability,
  type ChairtimeClient,
  ChairtimeError,
  type Clinic,
  type DayTimeOff,
  type Period,
  useChairtime,
} from '../../chairtime'
import { Button, ErrorNotice } from '../ui/parts'
import { useUndo } from '../ui/Toasts'
import { PeriodText } from './PeriodText'
import { TimeOffForm } from './TimeOffForm'

interface Props {
  clinic: Clinic
  availability: Availability
  mayCloseClinic: boolean
  onChanged(): void
}

/** Holidays and other absence: what is planned, and a form that first shows which appointments are in the way. */
export function TimeOff({ clinic, availability, mayCloseClinic, onChanged }: Props) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const remove = useMutation({
    // Where the whole clinic is closed, it opens again for everybody.
    mutationFn: async (off: DayTimeOff) => {
      const { starts_at, ends_at } = off.closure_id ? await closureOf(client, off.closure_id) : off
      await client.rpc('remove_time_off', { time_off_id: off.closure_id ?? off.id })
      return { starts_at, ends_at }
    },
    onSuccess: (period, { reason, closure_id }) =>
      offerUndo(closure_id ? 'The clinic is open again.' : 'The time off is removed.', async () => {
        await client.rpc('add_time_off', {
          clinic_id: clinic.id,
          ...period,
          ...(closure_id ? {} : { dentist_id: availability.dentist_id }),
          ...(reason ? { reason } : {}),
        })
        onChanged()
      }),
    onSettled: onChanged,
  })
  const planned = availability.time_off ?? []
  return (
    <section className="card panel-card">
      <h2>Time off</h2>
      {planned.length > 0 && (
        <ul className="rows">
          {planned.map((off) => (
            <li key={off.id}>
              <div className="grow">
                <PeriodText period={off} zone={clinic.time_zone} />
                <p className="muted small-text clip">
                  {[off.closure_id && 'The whole clinic is closed', off.reason].filter(Boolean).join(' · ')}
                </p>
              </div>
              {(mayCloseClinic || !off.closure_id) && (
                <Button
                  className="icon small quiet danger"
                  aria-label={off.closure_id ? 'Open the clinic again' : 'Remove this time off'}
                  title={off.closure_id ? 'Open the clinic again' : undefined}
                  busy={remove.isPending}
                  onClick={() => remove.mutate(off)}
                >
                  <Trash2 size={16} />
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <ErrorNotice error={remove.error} />
      <TimeOffForm
        clinic={clinic}
        dentistId={availability.dentist_id}
        mayCloseClinic={mayCloseClinic}
        onChanged={onChanged}
      />
    </section>
  )
}

/** From when until when the clinic is closed; a calendar may show only what is still to come of it. */
async function closureOf(client: ChairtimeClient, closureId: string): Promise<Period> {
  const [closure] = await client.rows('closures', (rows) => rows.eq('id', closureId))
  if (!closure) throw new ChairtimeError({ code: 'not_found', message: 'There is no such closure.' })
  return closure
}
