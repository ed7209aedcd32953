import { useMutation } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import { Fragment, useState } from 'react'
import { type Availability, useChairtime, type WeeklyHours } from '../../chairtime'
import { Button, ErrorNotice } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { Affected } from './Affected'

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

const DAY_END = '24:00'
const MIDNIGHT = '00:00'

/** Whether a window goes on after midnight: one that closes when it opens lasts a day. */
function isOverNight(opens: string, closes: string): boolean {
  return closes <= opens && closes !== MIDNIGHT
}

/** After the last of the day, while that leaves room before midnight; else before the first; null: the day is full. */
function nextWindow(weekday: number, windows: WeeklyHours[]): WeeklyHours | null {
  const ordered = windows.toSorted((a, b) => a.opens.localeCompare(b.opens))
  const [first, last] = [ordered[0], ordered.at(-1)]
  if (!first || !last) return { weekday, opens: '09:00', closes: '17:00' }
  const endsToday = last.closes > last.opens && last.closes < DAY_END
  if (endsToday) return { weekday, opens: last.closes, closes: last.closes < '18:00' ? '18:00' : DAY_END }
  return first.opens > MIDNIGHT ? { weekday, opens: MIDNIGHT, closes: first.opens } : null
}

interface WeekdayProps {
  name: string
  weekday: number
  weekly: WeeklyHours[]
  onEdit(weekly: WeeklyHours[]): void
}

function Weekday({ name, weekday, weekly, onEdit }: WeekdayProps) {
  const windows = weekly
    .map((window, index) => ({ ...window, index }))
    .filter((window) => window.weekday === weekday)
  const change = (index: number, part: Partial<WeeklyHours>) =>
    onEdit(weekly.map((window, at) => (at === index ? { ...window, ...part } : window)))
  const next = nextWindow(weekday, windows)
  return (
    <fieldset className="weekday">
      <legend className="sr-only">{name}</legend>
      <strong aria-hidden="true">{name}</strong>
      {windows.length === 0 && <span className="closed">Closed</span>}
      {windows.length > 0 && (
        <div className="windows">
          {windows.map(({ index, opens, closes }) => (
            <Fragment key={index}>
              <div className="window">
                <input
                  className="input small"
                  type="time"
                  required
                  aria-label={`${name}, opens`}
                  value={opens}
                  onChange={(event) => change(index, { opens: event.target.value })}
                />
                <span aria-hidden="true">–</span>
                <input
                  className="input small"
                  type="time"
                  required
                  aria-label={`${name}, closes`}
                  value={closes === DAY_END ? MIDNIGHT : closes}
                  onChange={(event) => change(index, { closes: event.target.value })}
                />
                <Button
                  className="icon small quiet"
                  aria-label={`Remove ${opens} to ${closes} on ${name}`}
                  onClick={() => onEdit(weekly.filter((_, at) => at !== index))}
                >
                  <X size={16} />
                </Button>
              </div>
              {isOverNight(opens, closes) && <small className="muted">Closes on the next day</small>}
            </Fragment>
          ))}
        </div>
      )}
      <Button
        className="icon small quiet"
        aria-label={`Add hours on ${name}`}
        disabled={next === null}
        onClick={() => next && onEdit([...weekly, next])}
      >
        <Plus size={16} />
      </Button>
    </fieldset>
  )
}
