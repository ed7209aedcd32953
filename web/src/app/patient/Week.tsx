import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type ReactNode, useMemo, useState } from 'react'
import {
  type AppointmentType,
  ChairtimeError,
  type Clinic,
  type Dentist,
  type ShownSlot,
  type Wanted,
} from '../../chairtime'
import {
  addDays,
  dayInWords,
  dayParts,
  dayRange,
  instantAt,
  ownZone,
  today,
  zoneName,
  zonesDiffer,
} from '../format'
import { Button, ErrorNotice } from '../ui/parts'
import { DayColumn } from './DayColumn'
import { NotForYou } from './NotForYou'
import { NothingFree } from './NothingFree'
import { ZoneName } from './Times'
import { hasFree, offersByDay } from './offers'

interface Props {
  slots: ShownSlot[] | undefined
  error: Error | null
  retry(): void
  clinic: Clinic
  type: AppointmentType
  /** Where an appointment is moved. */
  appointmentId: string | null
  /** The clinic's zone, and the one that is shown: the clinic's or the visitor's. */
  zone: string
  shownZone: string
  onZone(showOwn: boolean): void
  /** The first and the last day one may go to, in the shown zone. */
  firstDay: string
  lastDay: string
  dentists: Dentist[]
  dentistId: string | null
  picked: { starts_at: string } | null
  busyWith: Wanted | null | undefined
  onPick(slot: ShownSlot): void
  onTravel(day: string): void
  /** What one can do where nothing suits. */
  wait: ReactNode
}

/** Seven days of times, by the clock that is shown. Each keeps its place while others take and free it. */
export function Week(props: Props) {
  const { slots, error, retry, clinic, type, shownZone, zone, firstDay, dentists, dentistId, onTravel } =
    props
  const [selected, setSelected] = useState(firstDay)
  const days = Array.from({ length: 7 }, (_, index) => addDays(firstDay, index))
  const byDay = useMemo(() => offersByDay(slots ?? [], shownZone), [slots, shownZone])
  const current = days.includes(selected)
    ? selected
    : (days.find((day) => hasFree(byDay.get(day))) ?? firstDay)
  const isNotOffered = error instanceof ChairtimeError && error.code === 'not_offered'
  const isEmpty = slots !== undefined && !days.some((day) => byDay.has(day))
  const view = {
    zone: shownZone,
    saysHalf: shownZone !== zone,
    picked: props.picked,
    busyWith: props.busyWith,
    nameOf: (id: string) =>
      dentistId ? (dentists.find((dentist) => dentist.id === id)?.full_name ?? 'a dentist') : 'anybody',
    onPick: props.onPick,
  }
  return (
    <section className="card week" data-says-half={view.saysHalf} aria-label="Free times">
      <header className="week-head">
        <Travel {...props} lastShown={days[6] as string} />
        <ZoneChoice {...props} at={slots?.[0]?.starts_at ?? instantAt(firstDay, '12:00', zone)} />
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
      {isNotOffered ? <NotForYou clinic={clinic} type={type} /> : <ErrorNotice error={error} retry={retry} />}
      {isEmpty && !error ? (
        <NothingFree
          type={type}
          dentistId={dentistId}
          appointmentId={props.appointmentId}
          from={addDays(firstDay, 7)}
          zone={shownZone}
          onTravel={onTravel}
        />
      ) : isNotOffered ? null : (
        <div className="week-days" aria-busy={slots === undefined}>
          {days.map((day) => (
            <DayColumn
              key={day}
              day={day}
              isCurrent={day === current}
              isLoading={slots === undefined && !error}
              offers={byDay.get(day) ?? []}
              view={view}
            />
          ))}
        </div>
      )}
      {!isNotOffered && props.wait}
    </section>
  )
}

type TravelProps = Pick<Props, 'firstDay' | 'lastDay' | 'shownZone' | 'onTravel'> & { lastShown: string }

function Travel({ firstDay, lastDay, lastShown, shownZone, onTravel }: TravelProps) {
  const first = today(shownZone)
  const before = addDays(firstDay, -7)
  return (
    <div className="toolbar">
      <Button
        className="icon small"
        aria-label="Earlier week"
        disabled={firstDay <= first}
        onClick={() => onTravel(before < first ? first : before)}
      >
        <ChevronLeft size={18} />
      </Button>
      <Button
        className="icon small"
        aria-label="Later week"
        disabled={lastShown >= lastDay}
        onClick={() => onTravel(addDays(firstDay, 7))}
      >
        <ChevronRight size={18} />
      </Button>
      <h2 aria-live="polite">{dayRange(firstDay, lastShown)}</h2>
    </div>
  )
}

function ZoneChoice({
  zone,
  shownZone,
  onZone,
  at,
}: Pick<Props, 'zone' | 'shownZone' | 'onZone'> & { at: string }) {
  if (!zonesDiffer(zone, ownZone, at)) return <ZoneName zone={zone} at={at} />
  return (
    <div className="segmented" role="group" aria-label="Times are shown in">
      <button type="button" aria-pressed={shownZone === zone} onClick={() => onZone(false)}>
        {zoneName(zone, at)}
      </button>
      <button type="button" aria-pressed={shownZone !== zone} onClick={() => onZone(true)}>
        My time
      </button>
    </div>
  )
}
