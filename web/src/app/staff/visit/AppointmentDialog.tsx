import { useState } from 'react'
import { Link, useParams } from 'wouter'
import type { ClinicDay, DayAppointment, useClinicDay } from '../../../chairtime'
import { longDay, timeRange } from '../../format'
import { Dialog } from '../../ui/Dialog'
import { Avatar } from '../../ui/parts'
import { StatusBadge } from '../../ui/StatusBadge'
import { CancelForm } from './CancelForm'
import { LengthForm } from './LengthForm'
import { MoveForm } from './MoveForm'
import { Notes } from './Notes'
import { StatusActions } from './StatusActions'
import { SwapForm } from './SwapForm'
import { VisitMessages } from './VisitMessages'
import { VisitHistory } from './VisitHistory'
import { VisitParts } from './VisitParts'

export type Actions = Pick<
  ReturnType<typeof useClinicDay>,
  'move' | 'setStatus' | 'resize' | 'reseat' | 'swap' | 'refresh'
>
export type Pane = 'look' | 'move' | 'cancel' | 'length' | 'swap'

export interface PaneProps {
  appointment: DayAppointment
  day: ClinicDay
  actions: Actions
  onBack(): void
  onClose(): void
}

interface Props {
  appointment: DayAppointment
  day: ClinicDay
  actions: Actions
  onClose(): void
}

/** One appointment: what it is, and everything the desk can do with it. */
export function AppointmentDialog({ appointment, day, actions, onClose }: Props) {
  const [pane, setPane] = useState<Pane>('look')
  const [isTold, setTold] = useState(false)
  const { clinic: slug } = useParams<{ clinic: string }>()
  const zone = day.time_zone
  const dentist = day.dentists.find(({ dentist_id }) => dentist_id === appointment.dentist_id)
  const shared = { appointment, day, actions, onBack: () => setPane('look'), onClose }
  return (
    <Dialog title={appointment.patient_name} onClose={onClose}>
      <div className="facts">
        <div className="spread">
          <strong>{appointment.appointment_type}</strong>
          <StatusBadge status={appointment.status} isConfirmed={appointment.confirmed_at !== null} />
        </div>
        <p className="num">
          {longDay(appointment.starts_at, zone)},{' '}
          {timeRange(appointment.starts_at, appointment.ends_at, zone)}
        </p>
        {dentist && (
          <p className="facts-who muted">
            <Avatar name={dentist.full_name} small /> {dentist.full_name}
            {appointment.assigned === 'any' && <span className="small-text">(anybody would do)</span>}
          </p>
        )}
        <p className="small-text">
          <Link href={`/desk/${slug}/patients/${appointment.patient_id}`}>Open the patient’s page</Link>
        </p>
        {appointment.series_id && <p className="small-text">One of a series.</p>}
        {appointment.is_squeezed && <p className="small-text">Squeezed in on top of others.</p>}
        {appointment.cancellation_reason && (
          <p className="small-text muted">Cancelled: {appointment.cancellation_reason}</p>
        )}
      </div>
      {pane === 'look' && (
        <>
          {appointment.parts.length > 0 && <VisitParts {...shared} />}
          <Notes appointment={appointment} onSaved={actions.refresh} onClose={onClose} />
          <StatusActions {...shared} onPane={setPane} />
          <VisitMessages appointment={appointment} zone={zone} />
          <details onToggle={(event) => setTold(event.currentTarget.open)}>
            <summary>History</summary>
            {isTold && <VisitHistory appointment={appointment} zone={zone} />}
          </details>
        </>
      )}
      {pane === 'move' && <MoveForm {...shared} />}
      {pane === 'length' && <LengthForm {...shared} />}
      {pane === 'swap' && <SwapForm {...shared} />}
      {pane === 'cancel' && <CancelForm {...shared} />}
    </Dialog>
  )
}
