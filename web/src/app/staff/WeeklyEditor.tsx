import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type Availability, useChairtime, type WeeklyHours } from '../../chairtime'
import { Button, ErrorNotice } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { Affected } from './Affected'
import { DAY_END, MIDNIGHT, Weekday } from './Weekday'

const weekdays = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']

interface Props {
  availability: Availability
  onSaved(): void
}

/** The weekly hours. Saving takes two steps: see whom it concerns, then do it. */
export function WeeklyEditor({ availability, onSaved }: Props) {
  const client = useChairtime()
  const say = useToast()
  const [weekly, setWeekly] = useState(availability.weekly)
  const isChanged = JSON.stringify(weekly) !== JSON.stringify(availability.weekly)
  const send = (dry_run: boolean) =>
    client.rpc('set_availability', {
      dentist_id: availability.dentist_id,
      clinic_id: availability.clinic_id,
      weekly: weekly.map(asJson),
      dry_run,
    })
  const preview = useMutation({ mutationFn: () => send(true) })
  const save = useMutation({
    mutationFn: () => send(false),
    onSuccess: () => {
      say('The weekly hours are saved.')
      preview.reset()
      onSaved()
    },
  })
  const edit = (next: WeeklyHours[]) => {
    preview.reset()
    save.reset()
    setWeekly(next)
  }
  return (
    <form
      className="card panel-card"
      aria-label="Weekly hours"
      onSubmit={(event) => {
        event.preventDefault()
        preview.mutate()
      }}
    >
      <h2>Weekly hours</h2>
      <div className="weekdays">
        {weekdays.map((name, index) => (
          <Weekday key={name} name={name} weekday={index + 1} weekly={weekly} onEdit={edit} />
        ))}
      </div>
      <ErrorNotice error={preview.error ?? save.error} />
      {preview.data && (
        <Affected
          appointments={preview.data.appointments_outside_hours}
          zone={availability.time_zone}
          fate="will stand outside the new hours. They stay booked until somebody moves them."
        />
      )}
      <div className="actions toolbar">
        <Button className="quiet" disabled={!isChanged} onClick={() => edit(availability.weekly)}>
          Undo
        </Button>
        {preview.data ? (
          <Button className="primary" busy={save.isPending} onClick={() => save.mutate()}>
            Save hours
          </Button>
        ) : (
          <Button type="submit" className="primary" disabled={!isChanged} busy={preview.isPending}>
            Preview change
          </Button>
        )}
      </div>
    </form>
  )
}

function asJson({ closes, ...window }: WeeklyHours) {
  return { ...window, closes: closes === MIDNIGHT ? DAY_END : closes }
}
