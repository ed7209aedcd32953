import { CalendarCheck2, Download } from 'lucide-react'
import { Link } from 'wouter'
import { type Appointment, type Clinic, type Dentist, useSession } from '../../chairtime'
import { useWhose } from '../data'
import { longDay } from '../format'
import { Button } from '../ui/parts'
import { calendarFile } from '../calendarFile'
import { Times } from './Times'

interface BookedProps {
  appointment: Appointment
  title: string
  clinic: Clinic
  dentist: Dentist | undefined
  onClose(): void
}

/** What has just been booked, and where to go from there. */
export function Booked({ appointment, title, clinic, dentist, onClose }: BookedProps) {
  const isGuest = useSession()?.user.is_anonymous
  const whose = useWhose()(appointment.patient_id)
  return (
    <div className="booked" role="status">
      <div className="panel-top">
        <span className="check">
          <CalendarCheck2 size={24} aria-hidden="true" />
        </span>
        <div className="panel-what">
          <h2>{whose ? `${whose} is booked` : 'You are booked'}</h2>
          <p className="muted">
            {longDay(appointment.starts_at, clinic.time_zone)}
            {dentist && `, with ${dentist.full_name}`} at {clinic.name}
          </p>
          <Times from={appointment.starts_at} until={appointment.ends_at} zone={clinic.time_zone} />
        </div>
      </div>
      {isGuest && (
        <p className="muted small-text">
          You booked as a guest: only this browser knows it. <Link href="/sign-up">Create an account</Link> to
          see, move or cancel it from anywhere.
        </p>
      )}
      <div className="panel-actions">
        <a className="btn quiet" download="appointment.ics" href={calendarFile(appointment, title)}>
          <Download size={16} /> Calendar
        </a>
        <Button className="quiet" onClick={onClose}>
          Close
        </Button>
        <Link className="btn primary" href="/appointments">
          My appointments
        </Link>
      </div>
    </div>
  )
}
