import {
  CalendarClock,
  CalendarPlus,
  Check,
  CircleCheck,
  Mail,
  MapPin,
  MessageSquare,
  Phone,
  Stethoscope,
  UserRound,
  X,
} from 'lucide-react'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { calendarFile } from '../calendarFile'
import { Button, Notice, PhoneLink } from '../ui/parts'
import type { Linked, LinkAction } from '../../chairtime'
import { refusalIn } from './refusals'
import { useTitle, type ViewProps, whenOf } from './view'
import type { Words } from './words'

/** The visit as it stands, and what may be done about it. */
export function VisitView(props: ViewProps & { done: LinkAction | null }) {
  const { visit, words, error, done } = props
  const { clinic, appointment } = visit
  useTitle(`${words.title} · ${clinic.name}`)
  const isAhead = appointment.state === 'open' || appointment.state === 'confirmed'
  const advice = isAhead ? null : words.advice[appointment.state as keyof Words['advice']]
  return (
    <article className="card link-card">
      <div role="status" className="link-said">
        {done && (
          <Notice tone="good">
            <p data-focus tabIndex={-1}>
              {words.done[done]}
            </p>
          </Notice>
        )}
      </div>
      <header className="link-head">
        <p className={`badge link-state ${appointment.state}`}>
          {appointment.state === 'confirmed' && <CircleCheck size={14} aria-hidden="true" />}
          {words.states[appointment.state]}
        </p>
        <h1 data-focus={done ? undefined : true} tabIndex={-1}>
          {words.title}
        </h1>
        <p className="muted">
          <bdi>{words.patient(appointment.patient)}</bdi>
        </p>
      </header>
      <p className={appointment.state === 'cancelled' ? 'link-when off' : 'link-when'}>
        <time dateTime={appointment.starts_at}>
          <strong>{appointment.date}</strong> <span>{words.time(appointment.time)}</span>
        </time>
      </p>
      <Facts visit={visit} words={words} />
      {error && <Notice tone="bad">{refusalIn(words, error)}</Notice>}
      {advice && <Notice>{advice}</Notice>}
      {appointment.state === 'cancelled' && (
        <Link className="btn wide" href={`/book?clinic=${clinic.slug}`}>
          <CalendarPlus size={17} aria-hidden="true" /> {words.rebook}
        </Link>
      )}
      {isAhead && <Actions {...props} />}
      <More {...props} />
    </article>
  )
}

/** What kind of visit, with whom and where. */
export function Facts({ visit: { clinic, appointment }, words }: Pick<ViewProps, 'visit' | 'words'>) {
  const { labels } = words
  return (
    <dl className="link-facts">
      <Fact icon={<Stethoscope />} label={labels.visit}>
        <bdi>{appointment.visit}</bdi>
      </Fact>
      <Fact icon={<UserRound />} label={labels.dentist}>
        <bdi>{appointment.dentist}</bdi>
      </Fact>
      {clinic.address && (
        <Fact icon={<MapPin />} label={labels.address}>
          <bdi className="link-address">{clinic.address}</bdi>
        </Fact>
      )}
      {clinic.phone && (
        <Fact icon={<Phone />} label={labels.phone}>
          <PhoneLink phone={clinic.phone}>
            <bdi dir="ltr">{clinic.phone}</bdi>
          </PhoneLink>
        </Fact>
      )}
      {clinic.email && (
        <Fact icon={<Mail />} label={labels.email}>
          <a href={`mailto:${clinic.email}`}>
            <bdi dir="ltr">{clinic.email}</bdi>
          </a>
        </Fact>
      )}
    </dl>
  )
}

function Fact({ icon, label, children }: { icon: ReactNode; label: string; children: ReactNode }) {
  return (
    <div>
      <dt>
        <span aria-hidden="true">{icon}</span>
        {label}
      </dt>
      <dd>{children}</dd>
    </div>
  )
}

function Actions({ visit, words, isBusy, act, go }: ViewProps) {
  const { actions, appointment, clinic } = visit
  const may = (action: LinkAction) => actions.includes(action)
  return (
    <>
      {may('confirm') && (
        <Button className="primary wide link-confirm" busy={isBusy} onClick={() => act('confirm')}>
          <Check size={20} aria-hidden="true" /> {words.actions.confirm}
        </Button>
      )}
      <div className="link-actions">
        {may('move') && (
          <Button onClick={() => go('move')}>
            <CalendarClock size={17} aria-hidden="true" /> {words.actions.move}
          </Button>
        )}
        {may('cancel') && (
          <Button className="danger" onClick={() => go('cancel')}>
            <X size={17} aria-hidden="true" /> {words.actions.cancel}
          </Button>
        )}
        {may('note') && (
          <Button onClick={() => go('note')}>
            <MessageSquare size={17} aria-hidden="true" /> {words.actions.note}
          </Button>
        )}
        <CalendarLink visit={visit} words={words} />
      </div>
      <p className="muted small-text">
        {may('cancel') && appointment.changeable_until
          ? words.changeableUntil(whenOf(appointment.changeable_until, visit, words))
          : words.tooLate}{' '}
        {!may('cancel') && clinic.phone && <bdi dir="ltr">{clinic.phone}</bdi>}
      </p>
    </>
  )
}

function CalendarLink({ visit: { appointment, clinic }, words }: Pick<ViewProps, 'visit' | 'words'>) {
  const file = calendarFile(appointment, `${appointment.visit}, ${clinic.name}`, clinic.address)
  return (
    <a className="btn" download="appointment.ics" href={file}>
      <CalendarPlus size={17} aria-hidden="true" /> {words.actions.calendar}
    </a>
  )
}

/** What else may be done with any link. */
export function More({ visit, words, go }: ViewProps<Linked>) {
  return (
    <footer className="link-more">
      {(['not_me', 'stop'] as const)
        .filter((action) => visit.actions.includes(action))
        .map((action) => (
          <Button key={action} className="quiet small" onClick={() => go(action)}>
            {words.actions[action]}
          </Button>
        ))}
    </footer>
  )
}
