import { CalendarRange, Plus, X } from 'lucide-react'
import { useState } from 'react'
import type { WeeklyHours } from '../../chairtime'
import { Button } from '../ui/parts'

export const DAY_END = '24:00'
export const MIDNIGHT = '00:00'

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

interface Props {
  name: string
  weekday: number
  weekly: WeeklyHours[]
  onEdit(weekly: WeeklyHours[]): void
}

export function Weekday({ name, weekday, weekly, onEdit }: Props) {
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
          {windows.map((window) => (
            <Window
              key={window.index}
              name={name}
              window={window}
              onChange={(part) => change(window.index, part)}
              onRemove={() => onEdit(weekly.filter((_, at) => at !== window.index))}
            />
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

interface WindowProps {
  name: string
  window: WeeklyHours
  onChange(part: Partial<WeeklyHours>): void
  onRemove(): void
}

/** One window of a weekday; on demand, the days from which and until which it is valid. */
function Window({ name, window, onChange, onRemove }: WindowProps) {
  const { opens, closes, valid_from, valid_until } = window
  const [isAsked, setAsked] = useState(false)
  const isRota = isAsked || Boolean(valid_from || valid_until)
  const what = `${opens} to ${closes} on ${name}`
  return (
    <>
      <div className="window">
        <input
          className="input small"
          type="time"
          required
          aria-label={`${name}, opens`}
          value={opens}
          onChange={(event) => onChange({ opens: event.target.value })}
        />
        <span aria-hidden="true">–</span>
        <input
          className="input small"
          type="time"
          required
          aria-label={`${name}, closes`}
          value={closes === DAY_END ? MIDNIGHT : closes}
          onChange={(event) => onChange({ closes: event.target.value })}
        />
        <Button
          className="icon small quiet"
          aria-label={`Only for some time: ${what}`}
          title="Only for some time"
          aria-expanded={isRota}
          onClick={() => {
            setAsked(!isRota)
            if (isRota) onChange({ valid_from: null, valid_until: null })
          }}
        >
          <CalendarRange size={16} />
        </Button>
        <Button className="icon small quiet" aria-label={`Remove ${what}`} onClick={onRemove}>
          <X size={16} />
        </Button>
      </div>
      {isOverNight(opens, closes) && <small className="muted">Closes on the next day</small>}
      {isRota && (
        <div className="window rota">
          <input
            className="input small"
            type="date"
            aria-label={`${what}, from`}
            value={valid_from ?? ''}
            onChange={(event) => onChange({ valid_from: event.target.value || null })}
          />
          <span aria-hidden="true">–</span>
          <input
            className="input small"
            type="date"
            aria-label={`${what}, until`}
            value={valid_until ?? ''}
            onChange={(event) => onChange({ valid_until: event.target.value || null })}
          />
        </div>
      )}
    </>
  )
}
