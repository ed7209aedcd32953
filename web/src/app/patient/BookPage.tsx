import { CalendarClock } from 'lucide-react'
import { Link, Redirect } from 'wouter'
import { epoch, useAppointments, useChairtime, useReservation, useSession } from '../../chairtime'
import { useClinics, useLiveFamily, useOffering } from '../data'
import { longDay } from '../format'
import { signInPath } from '../session'
import { Empty, Notice, PageTitle } from '../ui/parts'
import { Loading, Unknown } from '../ui/states'
import { AtClinic } from './AtClinic'
import { Contact } from './Contact'
import { HoldPanel } from './HoldPanel'
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
  useLiveFamily()
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
  const { status, starts_at, changeable_until } = moving
  if (status !== 'booked' || !changeable_until || epoch(starts_at) <= clock.now()) {
    return <NotMovable title="This appointment cannot be moved any more">Book a new one instead.</NotMovable>
  }
  if (epoch(changeable_until) <= clock.now()) {
    return (
      <NotMovable title="It is too late to change this online">
        Please call <Contact clinic={clinic} />; they can still move it for you.
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
