import { CalendarPlus, Phone, PhoneCall } from 'lucide-react'
import { useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { type Clinic, type DueRecall, useDueRecalls } from '../../../chairtime'
import { addDays, dayIn, shortDay, today } from '../../format'
import { focusPage } from '../../ui/Dialog'
import { Button, Empty, ErrorNotice, Notice, Skeleton } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { soon } from '../../waiting/words'
import { BookDialog, type BookDraft } from '../booking/BookDialog'

/** So much later somebody is asked again who says not now. */
const LATER = 30

/** Whom to call because they are due and have no such visit ahead, the longest due first. */
export function RecallList({ clinic }: { clinic: Clinic }) {
  const [search, setSearch] = useSearchParams()
  const now = today(clinic.time_zone)
  const asked = search.get('until')
  const until = dayIn(asked) ?? now
  const due = useDueRecalls(clinic.id, until)
  const { recalls, error, refresh } = due
  const [draft, setDraft] = useState<BookDraft | null>(null)
  return (
    <section className="card panel-card" aria-labelledby="due">
      <div className="spread call-head">
        <h2 id="due" aria-live="polite">
          Due until {shortDay(until)}
          {recalls && <span className="muted"> · {recalls.length} to call</span>}
        </h2>
        <input
          type="date"
          className="input small day-input"
          aria-label="Due until"
          value={until}
          onChange={(event) =>
            dayIn(event.target.value) &&
            setSearch({ show: 'recalls', until: event.target.value }, { replace: true })
          }
        />
      </div>
      {asked !== null && !dayIn(asked) && (
        <Notice tone="warn">The address names no day. This is today.</Notice>
      )}
      <ErrorNotice error={error} retry={refresh} />
      {!recalls && !error && <Skeleton height={180} />}
      {recalls?.length === 0 && (
        <Empty icon={<PhoneCall />} title="Nobody to call">
          <p>Everybody who is due by then has a visit ahead, or is asked later.</p>
        </Empty>
      )}
      <ul className="rows calls">
        {recalls?.map((recall) => (
          <RecallRow
            key={recall.patient_id + recall.recall_type_id}
            recall={recall}
            clinic={clinic}
            pause={due.pause}
            onBook={() => setDraft(draftOf(recall, now))}
          />
        ))}
      </ul>
      {draft && <BookDialog clinic={clinic} draft={draft} dentistId={null} onClose={() => setDraft(null)} />}
    </section>
  )
}

function draftOf(recall: DueRecall, day: string): BookDraft {
  const { patient_id: id, patient_name: full_name, phone, email, appointment_type_id: typeId } = recall
  return { day, typeId, patient: { id, full_name, phone, email, birth_date: null } }
}

interface RowProps {
  recall: DueRecall
  clinic: Clinic
  pause: ReturnType<typeof useDueRecalls>['pause']
  onBook(): void
}

function RecallRow({ recall, clinic, pause, onBook }: RowProps) {
  const say = useToast()
  const { patient_id, patient_name: name, phone, recall_type, due_on, last_visit_on } = recall
  const { variables } = pause
  const isThis =
    variables?.recall.patient_id === patient_id && variables.recall.recall_type_id === recall.recall_type_id
  const day = addDays(today(clinic.time_zone), LATER)
  const paused = () => {
    say(`${name} is asked again on ${shortDay(day)}.`)
    focusPage()
  }
  return (
    <li data-recall={patient_id}>
      <div className="grow">
        <div className="entry-who">
          <Link href={`/desk/${clinic.slug}/patients/${patient_id}`} className="found-link clip">
            <strong>{name}</strong>
          </Link>
          {phone ? (
            <a href={`tel:${phone.replaceAll(/[^+\d]/g, '')}`} className="num">
              <Phone size={14} aria-hidden="true" /> {phone}
            </a>
          ) : (
            <span className="muted small-text">No phone number</span>
          )}
        </div>
        <p className="small-text">
          {recall_type}, due {shortDay(due_on)}
          {last_visit_on && <span className="muted"> (last visit {shortDay(last_visit_on)})</span>}
        </p>
        <p className="small-text muted">{askedOf(recall, clinic.time_zone)}</p>
        {isThis && <ErrorNotice error={pause.error} />}
      </div>
      <div className="toolbar">
        <Button className="small primary" aria-label={`Book: ${name}`} onClick={onBook}>
          <CalendarPlus size={15} aria-hidden="true" /> Book
        </Button>
        <Button
          className="small"
          busy={isThis && pause.isPending}
          aria-label={`Ask in ${LATER} days: ${name}`}
          onClick={() => pause.mutate({ recall, day }, { onSuccess: paused })}
        >
          Ask in {LATER} days
        </Button>
      </div>
    </li>
  )
}

function askedOf({ asked, last_asked_at: at }: DueRecall, zone: string): string {
  if (asked === 0) return 'Not asked yet.'
  const times = asked === 1 ? 'Asked once' : `Asked ${asked} times`
  return at ? `${times}, last ${soon(at, zone)}.` : `${times}.`
}
