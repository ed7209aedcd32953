import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { idempotent, type SeriesAnswer, useChairtime } from '../../../chairtime'
import { fullTime } from '../../format'
import { Button, ErrorNotice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'

interface Props {
  /** Null until it is known for whom, what and when. */
  first: { patientId: string; typeId: string; dentistId: string | null; startsAt: string } | null
  zone: string
  onBooked(): void
}

const policies = [
  { value: 'nearest', label: 'take the nearest free time' },
  { value: 'skip', label: 'leave it out' },
  { value: 'reject', label: 'book nothing' },
]

/** The same visit again and again: looked at first, then booked all at once. */
export function Series({ first, zone, onBooked }: Props) {
  const client = useChairtime()
  const say = useToast()
  const [weeks, setWeeks] = useState('1')
  const [times, setTimes] = useState('6')
  const [policy, setPolicy] = useState('nearest')
  const asked = JSON.stringify({ ...first, weeks, times, policy })
  const send = (dry_run: boolean): Promise<SeriesAnswer> =>
    idempotent((idempotency_key) =>
      client.rpc('book_series', {
        appointment_type_id: first?.typeId ?? '',
        patient_id: first?.patientId ?? '',
        starts_at: first?.startsAt ?? '',
        every: `${weeks} weeks`,
        occurrences: Number(times),
        on_conflict: policy,
        dry_run,
        ...(first?.dentistId ? { dentist_id: first.dentistId } : {}),
        idempotency_key,
      }),
    )
  const look = useMutation({ mutationFn: (_asked: string) => send(true), onMutate: () => book.reset() })
  const book = useMutation({
    mutationFn: () => send(false),
    onSuccess: ({ appointments }) => {
      say(`Booked: ${countOf(appointments.length)}.`)
      onBooked()
    },
  })
  // What was looked at holds only for what is asked now.
  const isCurrent = look.variables === asked
  const looked = isCurrent ? look.data : undefined
  const lookNow = () => first && look.mutate(asked)
  return (
    <details className="series">
      <summary>Again and again</summary>
      <div className="stack">
        <div className="cols">
          <Count
            label="Every so many weeks"
            value={weeks}
            min={1}
            max={52}
            onChange={setWeeks}
            onEnter={lookNow}
          />
          <Count
            label="How many times"
            value={times}
            min={2}
            max={60}
            onChange={setTimes}
            onEnter={lookNow}
          />
          <label className="field">
            <span>Where it cannot be had</span>
            <select
              className="input small"
              value={policy}
              onChange={(event) => setPolicy(event.target.value)}
            >
              {policies.map(({ value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        </div>
        {isCurrent && <ErrorNotice error={book.error ?? look.error} />}
        {looked && <Looked answer={looked} zone={zone} />}
        <div className="toolbar">
          <Button className="small" disabled={first === null} busy={look.isPending} onClick={lookNow}>
            Look first
          </Button>
          {looked && looked.appointments.length > 0 && (
            <Button className="small primary" busy={book.isPending} onClick={() => book.mutate()}>
              Book {countOf(looked.appointments.length)}
            </Button>
          )}
          {first === null && <span className="muted small-text">Choose a known patient and a time.</span>}
        </div>
      </div>
    </details>
  )
}

interface CountProps {
  label: string
  value: string
  min: number
  max: number
  onChange(value: string): void
  onEnter(): void
}

function Count({ label, value, min, max, onChange, onEnter }: CountProps) {
  return (
    <label className="field">
      <span>{label}</span>
      <input
        className="input small"
        type="number"
        min={min}
        max={max}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          // The form around it would book one visit.
          if (event.key !== 'Enter') return
          event.preventDefault()
          onEnter()
        }}
      />
    </label>
  )
}

/** What would be booked, and what not as it was wished for. */
function Looked({ answer, zone }: { answer: SeriesAnswer; zone: string }) {
  const { appointments, refused } = answer
  return (
    <div role="status" className="stack">
      <p className="small-text">{countOf(appointments.length)} can be booked:</p>
      <ul className="chips">
        {appointments.map(({ starts_at }) => (
          <li key={starts_at} className="badge num">
            {fullTime(starts_at, zone)}
          </li>
        ))}
      </ul>
      {refused.length > 0 && (
        <ul className="small-text">
          {refused.map(({ starts_at, message, moved_to }) => (
            <li key={starts_at}>
              <span className="num">{fullTime(starts_at, zone)}</span>: {message}{' '}
              {moved_to ? `Instead: ${fullTime(moved_to, zone)}.` : 'It is left out.'}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function countOf(visits: number): string {
  return visits === 1 ? '1 visit' : `${visits} visits`
}
