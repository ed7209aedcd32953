import { epoch, type ShownSlot, type Wanted } from '../../chairtime'
import { clockTime, dayInWords, dayParts, longDay } from '../format'
import { Skeleton } from '../ui/parts'
import { type Offer, partsOfDay } from './offers'

/** How the times of a week are shown, and what becomes of a press on one. */
export interface SlotView {
  zone: string
  /** Where the heading alone does not tell morning from evening for sure, each time does. */
  saysHalf: boolean
  picked: { starts_at: string } | null
  busyWith: Wanted | null | undefined
  nameOf(dentistId: string): string
  onPick(slot: ShownSlot): void
}

interface Props {
  day: string
  isCurrent: boolean
  isLoading: boolean
  offers: Offer[]
  view: SlotView
}

/** One day's times, by its parts. */
export function DayColumn({ day, isCurrent, isLoading, offers, view }: Props) {
  const { weekday, number, month } = dayParts(day)
  const parts = partsOfDay
    .map((name) => ({ name, offers: offers.filter(({ part }) => part === name) }))
    .filter((part) => part.offers.length > 0)
  return (
    <section
      className={isCurrent ? 'day-column current' : 'day-column'}
      data-day={day}
      aria-label={dayInWords(day)}
    >
      <h3>
        <span>{weekday}</span>
        <strong className="num">{number}</strong>
        <small>{month}</small>
      </h3>
      {isLoading && <Skeleton height={220} />}
      {!isLoading && offers.length === 0 && <p className="none">–</p>}
      {parts.map((part) => (
        <div key={part.name} className="day-part">
          <h4>{part.name}</h4>
          <ul>
            {part.offers.map(({ slot }) => (
              <li key={epoch(slot.starts_at)}>
                <SlotButton slot={slot} view={view} />
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  )
}

function SlotButton({ slot, view }: { slot: ShownSlot; view: SlotView }) {
  const { zone, picked, busyWith, nameOf, onPick } = view
  const isPicked = picked !== null && epoch(picked.starts_at) === epoch(slot.starts_at)
  const isBusy = busyWith?.startsAt === slot.starts_at
  const isGone = slot.taken && !isPicked
  const state = isPicked ? 'picked' : isBusy ? 'busy' : isGone ? 'taken' : 'free'
  const time = clockTime(slot.starts_at, zone)
  const label = `${time}, ${longDay(slot.starts_at, zone)}, with ${nameOf(slot.dentist_id)}`
  return (
    <button
      type="button"
      className="slot"
      data-state={state}
      data-starts-at={new Date(epoch(slot.starts_at)).toISOString()}
      aria-disabled={isGone || undefined}
      aria-pressed={isPicked || undefined}
      aria-label={isGone ? `${label}: taken` : label}
      onClick={() => !isGone && !isPicked && !isBusy && onPick(slot)}
    >
      <time dateTime={slot.starts_at}>{view.saysHalf ? time : time.replace(/ [AP]M$/, '')}</time>
    </button>
  )
}
