import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { epoch, type Linked } from '../../chairtime'
import { addDays, dayOf } from '../format'
import { Button, Notice, Skeleton } from '../ui/parts'
import { refusalIn } from './refusals'
import { freeDays, timesIn } from './times'
import { useLinkSlots } from './useLink'
import type { ViewProps } from './view'

const WEEK = 7

type Props = Pick<ViewProps<Linked>, 'visit' | 'words'> & {
  token: string
  today: string
  /** The day from which on to show a week; days that have passed are not. */
  first: string
  /** Until when anything is free. */
  last: string
  /** The visit's own start, if it has one. */
  current: string | null
  pick(start: string): void
}

/** The free times of a link, week by week. */
export function FreeTimes({ first, ...props }: Props) {
  const [from, setFrom] = useState(first > props.today ? first : props.today)
  return (
    <>
      <Travel {...props} from={from} onTravel={setFrom} />
      <Week {...props} from={from} />
    </>
  )
}

type Shown = Omit<Props, 'first'> & { from: string }

function Travel({ visit, words, from, today, last, onTravel }: Shown & { onTravel(day: string): void }) {
  const before = addDays(from, -WEEK)
  const after = addDays(from, WEEK)
  return (
    <div className="link-travel">
      <Button
        className="small"
        disabled={from <= today}
        onClick={() => onTravel(before > today ? before : today)}
      >
        <ChevronLeft size={17} className="turns" aria-hidden="true" /> {words.move.earlier}
      </Button>
      <Button
        className="small"
        disabled={after > dayOf(last, visit.clinic.time_zone)}
        onClick={() => onTravel(after)}
      >
        {words.move.later} <ChevronRight size={17} className="turns" aria-hidden="true" />
      </Button>
    </div>
  )
}

function Week({ visit, words, token, from, current, pick }: Shown) {
  const slots = useLinkSlots(token, from)
  const times = timesIn(visit.locale, visit.clinic.time_zone)
  const failure = slots.error ?? slots.failureReason
  if (failure && !slots.data) return <Notice tone="bad">{refusalIn(words, failure)}</Notice>
  if (!slots.data) {
    return (
      <div className="stack" role="status">
        <p className="muted">{words.move.loading}</p>
        <Skeleton height={44} />
        <Skeleton height={44} />
      </div>
    )
  }
  const days = freeDays(slots.data, current, visit.clinic.time_zone)
  if (days.length === 0) return <p role="status">{words.move.none}</p>
  return days.map(([day, starts]) => (
    <section key={day} className="link-day" data-day={day}>
      <h2>{times.day(starts[0]!)}</h2>
      <ul>
        {starts.map((start) => (
          <li key={start}>
            <button
              type="button"
              className="slot"
              data-starts-at={new Date(epoch(start)).toISOString()}
              onClick={() => pick(start)}
            >
              {times.time(start)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  ))
}
