import { useMutation } from '@tanstack/react-query'
import { Trash2 } from 'lucide-react'
import { type Availability, useChairtime } from '../../chairtime'
import { addDays, instantAt, today } from '../format'
import { Button, ErrorNotice } from '../ui/parts'
import { useUndo } from '../ui/Toasts'
import { PeriodText } from './PeriodText'

type Triple = [string, string, string]
type Extra = Availability['extra_hours'][number]

interface Props {
  availability: Availability
  onChanged(): void
}

/** Single days on which the dentist works more than usual. */
export function ExtraHours({ availability, onChanged }: Props) {
  const client = useChairtime()
  const { dentist_id, clinic_id, time_zone: zone, extra_hours } = availability
  const add = useMutation({
    mutationFn: (form: FormData) => {
      const [day, from, until] = ['day', 'from', 'until'].map((name) => String(form.get(name))) as Triple
      return client.rpc('add_extra_hours', {
        dentist_id,
        clinic_id,
        starts_at: instantAt(day, from, zone),
        // As with the weekly hours: what ends no later than it begins ends on the next day.
        ends_at: instantAt(until > from ? day : addDays(day, 1), until, zone),
      })
    },
    onSettled: onChanged,
  })
  const offerUndo = useUndo()
  const remove = useMutation({
    mutationFn: ({ id }: Extra) => client.rpc('remove_extra_hours', { extra_hours_id: id }),
    onSuccess: (_removed, { starts_at, ends_at }) =>
      offerUndo('The extra hours are removed.', async () => {
        await client.rpc('add_extra_hours', { dentist_id, clinic_id, starts_at, ends_at })
        onChanged()
      }),
    onSettled: onChanged,
  })
  return (
    <section className="card panel-card">
      <h2>Extra hours</h2>
      {extra_hours.length > 0 && (
        <ul className="rows">
          {extra_hours.map((extra) => (
            <li key={extra.id}>
              <div className="grow">
                <PeriodText period={extra} zone={zone} />
              </div>
              <Button
                className="icon small quiet danger"
                aria-label="Remove these hours"
                onClick={() => remove.mutate(extra)}
              >
                <Trash2 size={16} />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          add.mutate(new FormData(event.currentTarget))
        }}
      >
        <div className="cols">
          <label className="field">
            <span>Day</span>
            <input className="input small" type="date" name="day" required defaultValue={today(zone)} />
          </label>
          <label className="field">
            <span>From</span>
            <input className="input small" type="time" name="from" required defaultValue="17:00" />
          </label>
          <label className="field">
            <span>Until</span>
            <input className="input small" type="time" name="until" required defaultValue="19:00" />
          </label>
        </div>
        <ErrorNotice error={add.error ?? remove.error} />
        <div className="toolbar">
          <Button type="submit" busy={add.isPending}>
            Add hours
          </Button>
        </div>
      </form>
    </section>
  )
}
