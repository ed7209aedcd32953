import { Check, Mail, Phone } from 'lucide-react'
import { Link } from 'wouter'
import { ChairtimeError, type Dentist, type WorklistEntry } from '../../../chairtime'
import { dayOf, nearTime } from '../../format'
import { Button, ErrorNotice, Notice, PhoneLink, Skeleton } from '../../ui/parts'
import { StatusBadge } from '../../ui/StatusBadge'
import type { useWorklist } from './useWorklist'

type Work = ReturnType<typeof useWorklist>

interface Props {
  work: Work
  zone: string
  slug: string
  dentists: Dentist[]
}

/** Whom to call, with three times for each; who is handled stays in sight below. */
export function Worklist({ work, zone, slug, dentists }: Props) {
  const { entries, handled, error, refresh } = work
  return (
    <section className="card panel-card" aria-label="In the way">
      <h2 aria-live="polite">{entries ? title(entries.length) : 'In the way'}</h2>
      <ErrorNotice error={error} retry={refresh} />
      {!entries && !error && <Skeleton height={180} />}
      {entries?.length === 0 && (
        <Notice tone="good">
          {handled.length > 0 ? 'Everybody is taken care of.' : 'No appointment is in the way.'}
        </Notice>
      )}
      <ul className="rows worklist">
        {entries?.map((entry) => (
          <Entry key={entry.id} entry={entry} work={work} zone={zone} slug={slug} dentists={dentists} />
        ))}
        {handled.map(({ entry, outcome }) => (
          <li key={entry.id} className="handled" data-handled={entry.id}>
            <Check size={16} aria-hidden="true" />
            <strong className="clip">{entry.patient_name}</strong>
            <span className="muted num">
              {nearTime(entry.starts_at, zone)}: {outcome}
            </span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function title(count: number): string {
  return count === 1 ? '1 visit in the way' : `${count} visits in the way`
}

function Entry({
  entry,
  work,
  zone,
  slug,
  dentists,
}: Omit<Props, 'work'> & { entry: WorklistEntry; work: Work }) {
  const { move, seat, cancel } = work
  const { patient_name: name, phone, email, alternatives, stand_ins: standIns } = entry
  const nameOf = (id: string) => dentists.find((dentist) => dentist.id === id)?.full_name ?? 'a dentist'
  const isMoving = move.isPending && move.variables.entry.id === entry.id
  const isSeating = seat.isPending && seat.variables.entry.id === entry.id
  const error =
    (seat.variables?.entry.id === entry.id && seat.error) ||
    (move.variables?.entry.id === entry.id && move.error) ||
    (cancel.variables?.id === entry.id && cancel.error)
  return (
    <li data-entry={entry.id}>
      <div className="entry-who">
        <strong className="clip">{name}</strong>
        {phone && (
          <PhoneLink phone={phone}>
            <Phone size={14} aria-hidden="true" /> {phone}
          </PhoneLink>
        )}
        {email && (
          <a href={`mailto:${email}`} className="clip">
            <Mail size={14} aria-hidden="true" /> {email}
          </a>
        )}
        {!phone && !email && <span className="muted small-text">No phone number</span>}
      </div>
      <p className="small-text muted num">
        {nearTime(entry.starts_at, zone)}, {entry.appointment_type}, {entry.dentist}{' '}
        {entry.status !== 'booked' && <StatusBadge status={entry.status} />}
      </p>
      <div className="chips" role="group" aria-label={`Move ${name} to`} aria-busy={isMoving || undefined}>
        {standIns.map((standIn) => (
          <Button
            key={`${standIn.part} ${standIn.resource_id}`}
            className="small"
            busy={isSeating}
            onClick={() => seat.mutate({ entry, standIn })}
          >
            {standIn.name} <span className="muted">at the same time</span>
          </Button>
        ))}
        {alternatives.map((slot) => (
          <Button
            key={`${slot.dentist_id} ${slot.starts_at}`}
            className="small"
            busy={isMoving}
            onClick={() => move.mutate({ entry, slot, leader: nameOf(slot.dentist_id) })}
          >
            <span className="num">{nearTime(slot.starts_at, zone)}</span>
            <span className="muted">{nameOf(slot.dentist_id)}</span>
          </Button>
        ))}
        {alternatives.length + standIns.length === 0 && (
          <span className="muted small-text">
            {entry.status === 'booked' ? 'Nothing is free within two weeks.' : 'The patient is here.'}
          </span>
        )}
        <Link className="btn small quiet" href={`/desk/${slug}/day?day=${dayOf(entry.starts_at, zone)}`}>
          On the board
        </Link>
        <Button
          className="small quiet danger"
          aria-label={`Cancel ${name}`}
          busy={cancel.isPending && cancel.variables.id === entry.id}
          onClick={() => cancel.mutate(entry)}
        >
          Cancel
        </Button>
      </div>
      <ErrorNotice error={error instanceof ChairtimeError ? error : null} />
    </li>
  )
}
