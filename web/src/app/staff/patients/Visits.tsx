import { History } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { type Appointment, type Clinic, epoch, type usePatientVisits } from '../../../chairtime'
import { useAppointmentTypes, useDentists } from '../../data'
import { dayOf, fullTime } from '../../format'
import { Dialog } from '../../ui/Dialog'
import { Button, ErrorNotice, Skeleton } from '../../ui/parts'
import { StatusBadge } from '../../ui/StatusBadge'
import { VisitHistory } from '../visit/VisitHistory'

interface Props {
  visits: ReturnType<typeof usePatientVisits>
  clinic: Clinic
}

/** What is ahead of a patient, and what was. */
export function Visits({ visits, clinic }: Props) {
  const { ahead, earlier, hasMore, isLoadingMore, more, error } = visits
  const types = useAppointmentTypes(clinic.id).data
  const dentists = useDentists(clinic.id).data
  const rows = (list: Appointment[] | undefined, none: string) => (
    <>
      {!list && !error && <Skeleton height={70} />}
      {list?.length === 0 && <p className="muted small-text">{none}</p>}
      <ul className="rows">
        {list?.map((visit) => (
          <Visit
            key={visit.id}
            visit={visit}
            clinic={clinic}
            type={types?.find(({ id }) => id === visit.appointment_type_id)?.name ?? 'Visit'}
            dentist={dentists?.find(({ id }) => id === visit.dentist_id)?.full_name}
          />
        ))}
      </ul>
    </>
  )
  return (
    <>
      <section className="card panel-card" aria-labelledby="ahead">
        <h2 id="ahead">Next visits</h2>
        <ErrorNotice error={error} />
        {rows(ahead, 'Nothing is booked.')}
      </section>
      <section className="card panel-card" aria-labelledby="earlier">
        <h2 id="earlier">Past and cancelled</h2>
        {rows(earlier, 'Nothing yet.')}
        {hasMore && (
          <div className="toolbar">
            <Button className="small" busy={isLoadingMore} onClick={more}>
              Show earlier ones
            </Button>
          </div>
        )}
      </section>
    </>
  )
}

interface VisitProps {
  visit: Appointment
  clinic: Clinic
  type: string
  dentist: string | undefined
}

function Visit({ visit, clinic, type, dentist }: VisitProps) {
  const zone = clinic.time_zone
  const [isOpen, setOpen] = useState(false)
  const when = fullTime(visit.starts_at, zone)
  return (
    <li className="visit-row" data-visit={visit.id}>
      <div className="grow">
        <Link
          href={`/desk/${clinic.slug}/day?day=${dayOf(visit.starts_at, zone)}`}
          className="num"
          title="Open the day"
        >
          {when}
        </Link>
        <p className="small-text">
          {type}
          {dentist && <span className="muted">, {dentist}</span>}
        </p>
        {visit.cancellation_reason && <p className="small-text muted">Reason: {visit.cancellation_reason}</p>}
        {visit.notes && <p className="small-text muted">Notes: {visit.notes}</p>}
        {visit.staff_notes && <p className="small-text staff-note">Staff notes: {visit.staff_notes}</p>}
      </div>
      <StatusBadge status={visit.status} isConfirmed={visit.confirmed_at !== null} />
      <Button
        className="icon small quiet"
        aria-label={`History of ${when}`}
        title="What was done to it"
        onClick={() => setOpen(true)}
      >
        <History size={17} />
      </Button>
      {isOpen && (
        <Dialog title={`${type}, ${when}`} onClose={() => setOpen(false)}>
          <VisitHistory key={epoch(visit.updated_at)} appointment={visit} zone={zone} />
        </Dialog>
      )}
    </li>
  )
}
