import { CalendarPlus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { type Patient, usePatient, usePatientVisits } from '../../../chairtime'
import { ageOf, longDay, shortDay, today } from '../../format'
import { Avatar, Button, PageTitle, PhoneLink } from '../../ui/parts'
import { Loading, Unknown } from '../../ui/states'
import { BookDialog } from '../booking/BookDialog'
import type { DeskProps } from '../Desk'
import { Doubles } from './Doubles'
import { EraseCard } from './EraseCard'
import { Family } from './Family'
import { Login } from './Login'
import { Sent, Writing } from './Messages'
import { Record } from './Record'
import { RecordHistory } from './RecordHistory'
import { Visits } from './Visits'

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

interface Props extends DeskProps {
  /** As the address says it. */
  id: string
}

/** One patient: record, visits, family, login, doubles. */
export function PatientPage({ id, ...desk }: Props) {
  return UUID.test(id) ? <Known patientId={id.toLowerCase()} {...desk} /> : <NotHere />
}

function Known({ patientId, clinic, membership }: DeskProps & { patientId: string }) {
  const dentistId = membership.role === 'dentist' ? membership.dentist_id : null
  const { patient, error, refresh } = usePatient({ clinicId: clinic.id, patientId, dentistId })
  if (patient === undefined) return <Loading error={error} heights={[64, 300, 200]} />
  if (patient === null) return <NotHere />
  if (patient.erased_at) return <Erased since={patient.erased_at} clinic={clinic} />
  if (patient.merged_into) return <Merged into={patient.merged_into} slug={clinic.slug} />
  return <Whole patient={patient} clinic={clinic} membership={membership} onChanged={refresh} />
}

/** What each part of the page is about, and where it is read anew. */
export interface PartProps extends DeskProps {
  patient: Patient
  onChanged(): void
}

function Whole(part: PartProps) {
  const { patient, clinic, membership, onChanged } = part
  const [isBooking, setBooking] = useState(false)
  const visits = usePatientVisits({ clinicId: clinic.id, patientId: patient.id })
  const isDesk = membership.role === 'admin' || membership.role === 'receptionist'
  const isAdmin = membership.role === 'admin'
  return (
    <div className="page patient-page">
      <header className="page-head">
        <div className="patient-who">
          <Avatar name={patient.full_name} />
          <div>
            <PageTitle>{patient.full_name}</PageTitle>
            <p className="muted contact">
              {patient.birth_date && (
                <span className="num">
                  Born {shortDay(patient.birth_date)} ({ageOf(patient.birth_date, clinic.time_zone)})
                </span>
              )}
              {patient.phone && <PhoneLink phone={patient.phone} />}
              {patient.email && <a href={`mailto:${patient.email}`}>{patient.email}</a>}
              {!patient.phone && !patient.email && <span>No phone number, no email</span>}
            </p>
          </div>
        </div>
        <Button className="primary" onClick={() => setBooking(true)}>
          <CalendarPlus size={18} /> Book a visit
        </Button>
      </header>
      <div className="panels">
        <div className="stack">
          <Visits visits={visits} clinic={clinic} />
          {isDesk && <Sent {...part} />}
          {isAdmin && <RecordHistory {...part} />}
        </div>
        <div className="stack">
          <Record patient={patient} clinic={clinic} mayEdit={isDesk} onSaved={onChanged} />
          {isDesk && <Writing {...part} />}
          {isDesk && <Login {...part} />}
          {isDesk && <Family {...part} />}
          {isDesk && <Doubles {...part} />}
          {isAdmin && <EraseCard {...part} ahead={visits.ahead?.length} />}
        </div>
      </div>
      {isBooking && (
        <BookDialog
          clinic={clinic}
          draft={{ day: today(clinic.time_zone), patient }}
          dentistId={membership.role === 'dentist' ? membership.dentist_id : null}
          onClose={() => {
            setBooking(false)
            onChanged()
          }}
        />
      )}
    </div>
  )
}

function Merged({ into, slug }: { into: string; slug: string }) {
  return (
    <Unknown title="This record is part of another one">
      <p>It turned out to be the same person, and all visits are there.</p>
      <Link href={`/desk/${slug}/patients/${into}`} className="btn primary">
        Open the other record
      </Link>
    </Unknown>
  )
}

function Erased({ since, clinic }: { since: string; clinic: DeskProps['clinic'] }) {
  return (
    <Unknown title="This patient was erased">
      <p>
        Since {longDay(since, clinic.time_zone)} nobody can be recognized by this record. Visits that were
        stay as numbers.
      </p>
    </Unknown>
  )
}

function NotHere() {
  return (
    <Unknown title="We do not find this patient">
      <p>The address may be wrong, or the patient is not one of yours to see.</p>
    </Unknown>
  )
}
