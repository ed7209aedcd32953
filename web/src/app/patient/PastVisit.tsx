import type { Appointment, Clinic } from '../../chairtime'
import { useAppointmentTypes, useDentists, useWhose } from '../data'
import { clockTime, dayOf, longDay, today } from '../format'
import { StatusBadge } from '../ui/StatusBadge'

/** What an appointment is, with whom, and for whom where it is not one's own. */
export function useVisitNames({ clinic_id, dentist_id, appointment_type_id, patient_id }: Appointment) {
  const dentist = useDentists(clinic_id).data?.find(({ id }) => id === dentist_id)?.full_name
  const type = useAppointmentTypes(clinic_id).data?.find(({ id }) => id === appointment_type_id)?.name
  return { dentist, type: type ?? 'Visit', whose: useWhose()(patient_id) }
}

/** A visit that was, or that was cancelled, with what was said about it. */
export function PastVisit({ appointment, clinic }: { appointment: Appointment; clinic: Clinic | undefined }) {
  const { dentist, type, whose } = useVisitNames(appointment)
  if (!clinic) return null
  const { starts_at, status, notes, cancellation_reason } = appointment
  const year = dayOf(starts_at, clinic.time_zone).slice(0, 4)
  const isThisYear = today(clinic.time_zone).startsWith(year)
  return (
    <li className="past-row">
      <div className="past-what">
        <strong>
          {type}
          {whose && <span className="whose"> for {whose}</span>}
        </strong>
        <p className="muted small-text">
          {longDay(starts_at, clinic.time_zone)}
          {!isThisYear && ` ${year}`}, {clockTime(starts_at, clinic.time_zone)}
          {dentist && ` · ${dentist}`}
        </p>
        {notes && <p className="small-text said">{notes}</p>}
        {status === 'cancelled' && cancellation_reason && (
          <p className="small-text said">Cancelled: {cancellation_reason}</p>
        )}
      </div>
      <StatusBadge status={status} />
    </li>
  )
}
