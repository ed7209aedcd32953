import { CalendarHeart } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { Link } from 'wouter'
import {
  type Appointment,
  type Clinic,
  epoch,
  useAppointments,
  useChairtime,
  useSession,
} from '../../chairtime'
import { useClinics, useLiveFamily, useWhose } from '../data'
import { clockTime, dayOf, dayParts, longDay } from '../format'
import { Button, Empty, ErrorNotice, Notice, PageTitle } from '../ui/parts'
import { Loading } from '../ui/states'
import { useToast } from '../ui/Toasts'
import { Contact } from './Contact'
import { CancelDialog } from './CancelDialog'
import { WillCome } from './WillCome'
import { PastVisit, useVisitNames } from './PastVisit'
import { Times } from './Times'
import { Earlier } from './Earlier'
import { useMyWaitlist, Wishes } from './Wishes'
import { StatusBadge } from '../ui/StatusBadge'
import { useIsPast } from '../useIsPast'

type Actions = Pick<ReturnType<typeof useAppointments>, 'cancel' | 'confirm'>

/** What is coming and what was; changed in front of one's eyes when the clinic changes it. */
export function AppointmentsPage() {
  const [pages, setPages] = useState(1)
  const { appointments, error, refresh, cancel, confirm, hasMore, isFetchingMore } = useAppointments(pages)
  const waitlist = useMyWaitlist()
  useLiveFamily()
  const isGuest = useSession()?.user.is_anonymous
  const clinics = useClinics()
  const { clock } = useChairtime()
  useNews(appointments, clinics.data)
  const isComing = (row: Appointment) =>
    epoch(row.ends_at) > clock.now() && (row.status === 'booked' || row.status === 'checked_in')
  const coming = appointments?.filter(isComing).toReversed()
  const past = appointments?.filter((row) => !isComing(row))
  const clinicOf = (row: Appointment) => clinics.data?.find(({ id }) => id === row.clinic_id)
  return (
    <div className="mine">
      <div className="spread">
        <PageTitle>My appointments</PageTitle>
        <Link href="/book" className="btn primary">
          Book a visit
        </Link>
      </div>
      {isGuest && (
        <Notice>
          You are here as a guest: only this browser knows your visits.{' '}
          <Link href="/sign-up?next=/appointments">Create an account</Link> to reach them from anywhere.
        </Notice>
      )}
      <ErrorNotice error={error} retry={refresh} />
      {!(appointments && clinics.data) && !error && <Loading error={clinics.error} heights={[132, 132]} />}
      {clinics.data && <Wishes waitlist={waitlist} clinics={clinics.data} />}
      {coming?.length === 0 && (
        <div className="card">
          <Empty icon={<CalendarHeart />} title="Nothing coming up">
            <p>Your next visit appears here the moment it is booked, by you or by the clinic.</p>
            <Link href="/book" className="btn primary">
              See free times
            </Link>
          </Empty>
        </div>
      )}
      <ul className="stack">
        {coming?.map((row) => (
          <Coming
            key={row.id}
            appointment={row}
            clinic={clinicOf(row)}
            cancel={cancel}
            confirm={confirm}
            waits={waitlist.wishes?.some((wish) => wish.moves_appointment_id === row.id) ?? false}
          />
        ))}
      </ul>

      {past && past.length > 0 && (
        <section className="past">
          <h2>Earlier and cancelled</h2>
          <ul className="card">
            {past.map((row) => (
              <PastVisit key={row.id} appointment={row} clinic={clinicOf(row)} />
            ))}
          </ul>
          {hasMore && (
            <Button busy={isFetchingMore} onClick={() => setPages(pages + 1)}>
              Show earlier ones
            </Button>
          )}
        </section>
      )}
    </div>
  )
}

/** Says what somebody else changed: the list shows it anyway, the message explains the movement. */
function useNews(appointments: Appointment[] | undefined, clinics: Clinic[] | undefined): void {
  const say = useToast()
  const whoseIs = useWhose()
  const before = useRef<Appointment[]>(undefined)
  useEffect(() => {
    for (const row of appointments ?? []) {
      const old = before.current?.find(({ id }) => id === row.id)
      const zone = clinics?.find(({ id }) => id === row.clinic_id)?.time_zone
      if (!old || !zone) continue
      const whose = whoseIs(row.patient_id)
      const it = whose ? `${whose}’s appointment` : 'Your appointment'
      if (epoch(old.starts_at) !== epoch(row.starts_at)) {
        say(`${it} is now on ${longDay(row.starts_at, zone)} at ${clockTime(row.starts_at, zone)}.`)
      } else if (old.status !== 'cancelled' && row.status === 'cancelled') {
        say(`${it} on ${longDay(row.starts_at, zone)} is cancelled.`)
      }
    }
    before.current = appointments
  }, [appointments, clinics, say, whoseIs])
}

interface RowProps {
  appointment: Appointment
  clinic: Clinic | undefined
}

/** `waits`: for something earlier. */
function Coming({ appointment, clinic, cancel, confirm, waits }: RowProps & Actions & { waits: boolean }) {
  const [isCancelling, setCancelling] = useState(false)
  const { dentist, type, whose } = useVisitNames(appointment)
  const { changeable_until } = appointment
  const isFixed = useIsPast(changeable_until ? epoch(changeable_until) : null)
  const ask = () => {
    // What was refused before was about another one.
    if (!cancel.isPending) cancel.reset()
    setCancelling(true)
  }
  if (!clinic) return null
  const { weekday, number, month } = dayParts(dayOf(appointment.starts_at, clinic.time_zone))
  return (
    <li key={appointment.version} className="card visit" data-appointment={appointment.id}>
      <div className="date" aria-hidden="true">
        <span>{month}</span>
        <strong className="num">{number}</strong>
        <span>{weekday}</span>
      </div>
      <div className="visit-text">
        <h2>
          {type}
          {whose && <span className="whose"> for {whose}</span>}
        </h2>
        <p>
          <time dateTime={appointment.starts_at}>{longDay(appointment.starts_at, clinic.time_zone)}</time>
        </p>
        <Times from={appointment.starts_at} until={appointment.ends_at} zone={clinic.time_zone} />
        <p className="muted">
          {dentist && `${dentist}, `}
          {clinic.name}
        </p>
      </div>
      <div className="visit-end">
        <StatusBadge status={appointment.status} />
        {appointment.status === 'booked' && <WillCome appointment={appointment} confirm={confirm} />}
        {appointment.status === 'booked' && isFixed && (
          <p className="muted small-text">
            It is too late to change this online. Please call <Contact clinic={clinic} />.
          </p>
        )}
        {appointment.status === 'booked' && !isFixed && (
          <div className="toolbar">
            <Link href={`/book?move=${appointment.id}`} className="btn small">
              Reschedule
            </Link>
            {!waits && <Earlier appointment={appointment} clinic={clinic} type={type} />}
            <Button className="small quiet danger" onClick={ask}>
              Cancel
            </Button>
          </div>
        )}
      </div>
      {isCancelling && (
        <CancelDialog
          appointment={appointment}
          clinic={clinic}
          type={type}
          cancel={cancel}
          onClose={() => setCancelling(false)}
        />
      )}
    </li>
  )
}
