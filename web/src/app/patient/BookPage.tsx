import { CalendarClock } from 'lucide-react'
import { Link, Redirect } from 'wouter'
import {
  type Appointment,
  type Clinic,
  epoch,
  useAppointments,
  useChairtime,
  useReservation,
  useSession,
} from '../../chairtime'
import { useAppointmentTypes, useClinics, useDentists, useOffering } from '../data'
import { longDay } from '../format'
import { signInPath } from '../session'
import { Empty, Notice, PageTitle } from '../ui/parts'
import { Loading, Unknown } from '../ui/states'
import { Booking } from './Booking'
import { Choices } from './Choices'
import { HoldPanel } from './HoldPanel'
import { changeableUntil, listedFor } from './rules'
import { useWanted, type Wish } from './useWanted'

/** Choose a visit, watch the free times, hold one, confirm it. With `?move=<id>`, move an appointment instead. */
export function BookPage() {
  const wish = useWanted()
  return wish.move === null ? <Book wish={wish} /> : <Move id={wish.move} wish={wish} />
}

function Book({ wish }: { wish: Wish }) {
  const clinics = useClinics()
  // Held here, so that it lasts while one looks at another clinic.
  const hold = useReservation()
  const isOpen = wish.clinic === null && clinics.data !== undefined && clinics.data.length > 1
  const offering = useOffering(isOpen)
  if (!clinics.data) return <Loading error={clinics.error} heights={[60, 560]} />
  if (clinics.data.length === 0) {
    return (
      <Empty icon={<CalendarClock />} title="No clinic has opened its books yet" isPage>
        <p>As soon as one does, its free times appear here.</p>
      </Empty>
    )
  }
  if (isOpen && offering.isPending) return <Loading error={offering.error} heights={[60, 560]} />
  // Who names no clinic sees the first that has anything to book.
  const clinic = wish.clinic
    ? clinics.data.find(({ slug }) => slug === wish.clinic)
    : (clinics.data.find(({ id }) => offering.data?.has(id)) ?? clinics.data[0])
  if (!clinic) {
    return (
      <Unknown title="We do not know this clinic">
        <p>The address names a clinic that is not on Chairtime, or not any more.</p>
        <Link href="/book" className="btn primary">
          Choose a clinic
        </Link>
      </Unknown>
    )
  }
  return (
    <div className="book">
      <div className="book-head">
        <PageTitle>Book a visit</PageTitle>
      </div>
      <AtClinic clinics={clinics.data} clinic={clinic} wish={wish} hold={hold} />
      <HoldPanel hold={hold} />
    </div>
  )
}

/** The appointment that is moved must be one's own, still to come, and early enough. */
function Move({ id, wish }: { id: string; wish: Wish }) {
  const session = useSession()
  const { appointments, error } = useAppointments()
  const clinics = useClinics()
  const { clock } = useChairtime()
  if (session === null) return <Redirect to={signInPath()} replace />
  if (!appointments || !clinics.data) return <Loading error={error ?? clinics.error} heights={[60, 560]} />
  const moving = appointments.find((appointment) => appointment.id === id)
  const clinic = clinics.data.find((each) => each.id === moving?.clinic_id)
  if (!moving || !clinic) {
    return (
      <NotMovable title="We do not find this appointment">
        It may belong to another account, or the address is mistyped.
      </NotMovable>
    )
  }
  if (moving.status !== 'booked' || epoch(moving.starts_at) <= clock.now()) {
    return <NotMovable title="This appointment cannot be moved any more">Book a new one instead.</NotMovable>
  }
  if (changeableUntil(moving.starts_at, clinic) <= clock.now()) {
    return (
      <NotMovable title="It is too late to change this online">
        Please call {clinic.name}; they can still move it for you.
      </NotMovable>
    )
  }
  return (
    <div className="book">
      <div className="book-head">
        <PageTitle>Choose a new time</PageTitle>
        <Notice>
          Now on {longDay(moving.starts_at, clinic.time_zone)}. It stays yours until you have confirmed
          another time.
        </Notice>
      </div>
      <AtClinic clinics={clinics.data} clinic={clinic} wish={wish} moving={moving} />
    </div>
  )
}

function NotMovable({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Unknown title={title}>
      <p>{children}</p>
      <Link href="/appointments" className="btn primary">
        My appointments
      </Link>
    </Unknown>
  )
}

interface AtClinicProps {
  clinics: Clinic[]
  clinic: Clinic
  wish: Wish
  /** Given where one books; `moving` where one moves. */
  hold?: ReturnType<typeof useReservation>
  moving?: Appointment
}

/** What is wished for, as far as the clinic offers it; where it does not, that is said and the next best is shown. */
function AtClinic({ clinics, clinic, wish, hold, moving }: AtClinicProps) {
  const allTypes = useAppointmentTypes(clinic.id)
  const allDentists = useDentists(clinic.id)
  if (!allTypes.data || !allDentists.data) {
    return <Loading error={allTypes.error ?? allDentists.error} heights={[74, 560]} />
  }
  const types = allTypes.data.filter(({ is_active }) => is_active)
  const dentists = allDentists.data.filter(({ is_active }) => is_active)
  const wishedType = types.find(({ id }) => id === wish.type)
  const type = moving ? listedFor(moving, allTypes.data) : (wishedType ?? types[0])
  const wishedDentist = wish.dentist ?? (wish.anyDentist ? null : (moving?.dentist_id ?? null))
  const dentist = dentists.find(({ id }) => id === wishedDentist)
  const isGone = {
    type: !moving && wish.type !== null && !wishedType,
    dentist: wishedDentist !== null && !dentist,
  }
  const choices = {
    clinics,
    clinic,
    types,
    type,
    dentists,
    dentistId: dentist?.id ?? null,
    isMoving: moving !== undefined,
    choose: wish.choose,
  }
  if (!type || dentists.length === 0) {
    return (
      <div className="book-grid">
        <Choices {...choices} />
        <div className="card">
          <Empty icon={<CalendarClock />} title="Nothing can be booked here online">
            <p>
              {moving
                ? `Visits like this one are no longer offered online. Please call ${clinic.name} to move it.`
                : `${clinic.name} offers no visits online just now. Choose another clinic, or call them.`}
            </p>
          </Empty>
        </div>
      </div>
    )
  }
  return (
    <>
      {(isGone.type || isGone.dentist) && (
        <Notice tone="warn">
          {isGone.type && <p>That kind of visit is no longer offered. You see times for: {type.name}.</p>}
          {isGone.dentist && <p>That dentist takes no appointments any more. You see everybody’s times.</p>}
        </Notice>
      )}
      <Booking key={clinic.id} choices={{ ...choices, type }} from={wish.from} hold={hold} moving={moving} />
    </>
  )
}
