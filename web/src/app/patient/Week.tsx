import { CalendarSearch, ChevronLeft, ChevronRight, Globe } from 'lucide-react'
import { useMemo, useState } from 'react'
import {
  type AppointmentType,
  type Dentist,
  epoch,
  type ShownSlot,
  useChairtime,
  type Wanted,
} from '../../chairtime'
import {
  addDays,
  clockTime,
  dayInWords,
  dayOf,
  dayParts,
  dayRange,
  instantAt,
  longDay,
  ownZone,
  today,
  zoneName,
  zonesDiffer,
} from '../format'
import { Button, Empty, ErrorNotice, Skeleton } from '../ui/parts'
import { useToast } from '../ui/Toasts'

interface Props {
  slots: ShownSlot[] | undefined
  error: Error | null
  retry(): void
  type: AppointmentType
  zone: string
  firstDay: string
  dentists: Dentist[]
  dentistId: string | null
  picked: { starts_at: string } | null
  busyWith: Wanted | null | undefined
  onPick(slot: ShownSlot): void
  onTravel(day: string): void
}

interface Offer {
  /** Of the dentists free at this time the first; taken only when all are. */
  slot: ShownSlot
  isAfternoon: boolean
}

/** Seven days of times. Each keeps its place while others take and free it. */
export function Week({
  slots,
  error,
  retry,
  type,
  zone,
  firstDay,
  dentists,
  dentistId,
  picked,
  busyWith,
  onPick,
  onTravel,
}: Props) {
  const [showOwn, setShowOwn] = useState(false)
  const [selected, setSelected] = useState(firstDay)
  const days = Array.from({ length: 7 }, (_, index) => addDays(firstDay, index))
  const byDay = useMemo(() => offersByDay(slots ?? [], zone), [slots, zone])
  const current = days.includes(selected)
    ? selected
    : (days.find((day) => hasFree(byDay.get(day))) ?? firstDay)
  const at = slots?.[0]?.starts_at ?? instantAt(firstDay, '12:00', zone)
  const shownZone = showOwn ? ownZone : zone
  const isEmpty = slots !== undefined && !days.some((day) => byDay.has(day))
  const nameOf = (id: string) => dentists.find((dentist) => dentist.id === id)?.full_name ?? 'a dentist'
  return (
    <section className="card week" aria-label="Free times">
      <header className="week-head">
        <div className="toolbar">
          <Button
            className="icon small"
            aria-label="Earlier week"
            disabled={firstDay <= today(zone)}
            onClick={() => onTravel(earlier(firstDay, zone))}
          >
            <ChevronLeft size={18} />
          </Button>
          <Button
            className="icon small"
            aria-label="Later week"
            onClick={() => onTravel(addDays(firstDay, 7))}
          >
            <ChevronRight size={18} />
          </Button>
          <h2 aria-live="polite">{dayRange(firstDay, days[6] as string)}</h2>
        </div>
        {zonesDiffer(zone, ownZone, at) ? (
          <div className="segmented" role="group" aria-label="Times are shown in">
            <button type="button" aria-pressed={!showOwn} onClick={() => setShowOwn(false)}>
              {zoneName(zone, at)}
            </button>
            <button type="button" aria-pressed={showOwn} onClick={() => setShowOwn(true)}>
              My time
            </button>
          </div>
        ) : (
          <span className="zone muted small-text">
            <Globe size={14} aria-hidden="true" /> {zoneName(zone, at)}
          </span>
        )}
      </header>
      <div className="day-tabs" role="group" aria-label="Day">
        {days.map((day) => (
          <button key={day} type="button" aria-pressed={day === current} onClick={() => setSelected(day)}>
            <span aria-hidden="true">{dayParts(day).weekday}</span>
            <strong aria-hidden="true">{dayParts(day).number}</strong>
            <em className="sr-only">{dayInWords(day)}</em>
            <i className={hasFree(byDay.get(day)) ? 'free' : ''} />
          </button>
        ))}
      </div>
      {error && <ErrorNotice error={error} retry={retry} />}
      {isEmpty && !error ? (
        <NothingFree
          type={type}
          dentistId={dentistId}
          from={addDays(firstDay, 7)}
          zone={zone}
          onTravel={onTravel}
        />
      ) : (
        <div className="week-days" aria-busy={slots === undefined}>
          {days.map((day) => (
            <DayColumn
              key={day}
              day={day}
              isCurrent={day === current}
              isLoading={slots === undefined && !error}
              offers={byDay.get(day) ?? []}
              zone={shownZone}
              picked={picked}
              busyWith={busyWith}
              describe={(slot) =>
                `${clockTime(slot.starts_at, shownZone)}, ${longDay(slot.starts_at, shownZone)}, with ${nameOf(slot.dentist_id)}`
              }
              onPick={onPick}
            />
          ))}
        </div>
      )}
    </section>
  )
}

interface ColumnProps {
  day: string
  isCurrent: boolean
  isLoading: boolean
  offers: Offer[]
  zone: string
  picked: { starts_at: string } | null
  busyWith: Wanted | null | undefined
  describe(slot: ShownSlot): string
  onPick(slot: ShownSlot): void
}

function DayColumn({
  day,
  isCurrent,
  isLoading,
  offers,
  zone,
  picked,
  busyWith,
  describe,
  onPick,
}: ColumnProps) {
  const { weekday, number, month } = dayParts(day)
  const parts = [
    { name: 'Morning', offers: offers.filter(({ isAfternoon }) => !isAfternoon) },
    { name: 'Afternoon', offers: offers.filter(({ isAfternoon }) => isAfternoon) },
  ]
  return (
    <section className={isCurrent ? 'day-column current' : 'day-column'} aria-label={dayInWords(day)}>
      <h3>
        <span>{weekday}</span>
        <strong className="num">{number}</strong>
        <small>{month}</small>
      </h3>
      {isLoading && <Skeleton height={220} />}
      {!isLoading && offers.length === 0 && <p className="none">–</p>}
      {parts.map(
        (part) =>
          part.offers.length > 0 && (
            <div key={part.name} className="day-part">
              <h4>{part.name}</h4>
              <ul>
                {part.offers.map(({ slot }) => (
                  <li key={epoch(slot.starts_at)}>
                    <SlotButton
                      slot={slot}
                      zone={zone}
                      isPicked={picked !== null && epoch(picked.starts_at) === epoch(slot.starts_at)}
                      isBusy={busyWith?.startsAt === slot.starts_at}
                      label={describe(slot)}
                      onPick={onPick}
                    />
                  </li>
                ))}
              </ul>
            </div>
          ),
      )}
    </section>
  )
}

interface SlotProps {
  slot: ShownSlot
  zone: string
  isPicked: boolean
  isBusy: boolean
  label: string
  onPick(slot: ShownSlot): void
}

function SlotButton({ slot, zone, isPicked, isBusy, label, onPick }: SlotProps) {
  const isGone = slot.taken && !isPicked
  const state = isPicked ? 'picked' : isBusy ? 'busy' : isGone ? 'taken' : 'free'
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
      <time dateTime={slot.starts_at}>{clockTime(slot.starts_at, zone).replace(/ [AP]M$/, '')}</time>
    </button>
  )
}

interface NothingProps {
  type: AppointmentType
  dentistId: string | null
  from: string
  zone: string
  onTravel(day: string): void
}

const SEARCHED = 61

function NothingFree({ type, dentistId, from, zone, onTravel }: NothingProps) {
  const client = useChairtime()
  const say = useToast()
  const [busy, setBusy] = useState(false)
  const find = async () => {
    setBusy(true)
    const found = await client
      .rpc('available_slots', {
        appointment_type_id: type.id,
        from_date: from,
        to_date: addDays(from, SEARCHED),
        ...(dentistId ? { dentist_id: dentistId } : {}),
      })
      .catch(() => [])
    setBusy(false)
    if (found[0]) onTravel(dayOf(found[0].starts_at, zone))
    else say('There is nothing free in the coming two months.', 'bad')
  }
  return (
    <Empty icon={<CalendarSearch />} title="Nothing free in these days">
      <p>Try another dentist or a later week.</p>
      <Button className="primary" busy={busy} onClick={find}>
        Find the next free time
      </Button>
    </Empty>
  )
}

function earlier(firstDay: string, zone: string): string {
  const before = addDays(firstDay, -7)
  return before < today(zone) ? today(zone) : before
}

function hasFree(offers: Offer[] | undefined): boolean {
  return offers?.some(({ slot }) => !slot.taken) ?? false
}

/** Times at which several dentists are free are offered once. Days and halves of days are the clinic's. */
function offersByDay(slots: ShownSlot[], zone: string): Map<string, Offer[]> {
  const days = new Map<string, Map<number, Offer>>()
  for (const slot of slots) {
    const day = dayOf(slot.starts_at, zone)
    const times = days.get(day) ?? new Map<number, Offer>()
    days.set(day, times)
    const known = times.get(epoch(slot.starts_at))
    if (known && !known.slot.taken) continue
    times.set(epoch(slot.starts_at), { slot, isAfternoon: clockTime(slot.starts_at, zone).endsWith('PM') })
  }
  return new Map([...days].map(([day, times]) => [day, [...times.values()]]))
}
