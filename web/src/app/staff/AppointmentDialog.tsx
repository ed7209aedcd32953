import { useMutation } from '@tanstack/react-query'
import { CalendarX2, Check, CheckCheck, Undo2, UserX } from 'lucide-react'
import { useState } from 'react'
import {
  type AppointmentStatus,
  type DayAppointment,
  type DayDentist,
  epoch,
  useChairtime,
  type useClinicDay,
} from '../../chairtime'
import { longDay, timeRange } from '../format'
import { Dialog } from '../ui/Dialog'
import { Avatar, Button, ErrorNotice } from '../ui/parts'
import { StatusBadge } from '../ui/StatusBadge'
import { CancelForm } from './CancelForm'
import { MoveForm } from './MoveForm'
import { isMovable } from './useMoving'

type Actions = Pick<ReturnType<typeof useClinicDay>, 'move' | 'setStatus' | 'refresh'>

interface Props {
  appointment: DayAppointment
  dentists: DayDentist[]
  zone: string
  actions: Actions
  onClose(): void
}

type Pane = 'look' | 'move' | 'cancel'

/** One appointment: what it is, and everything the desk can do with it. */
export function AppointmentDialog({ appointment, dentists, zone, actions, onClose }: Props) {
  const [pane, setPane] = useState<Pane>('look')
  const dentist = dentists.find(({ dentist_id }) => dentist_id === appointment.dentist_id)
  return (
    <Dialog title={appointment.patient_name} onClose={onClose}>
      <div className="facts">
        <div className="spread">
          <strong>{appointment.appointment_type}</strong>
          <StatusBadge status={appointment.status} />
        </div>
        <p className="num">
          {longDay(appointment.starts_at, zone)},{' '}
          {timeRange(appointment.starts_at, appointment.ends_at, zone)}
        </p>
        {dentist && (
          <p className="facts-who muted">
            <Avatar name={dentist.full_name} small /> {dentist.full_name}
          </p>
        )}
      </div>
      {pane === 'look' && (
        <>
          <Notes appointment={appointment} onSaved={actions.refresh} />
          <StatusActions appointment={appointment} actions={actions} onPane={setPane} onClose={onClose} />
        </>
      )}
      {pane === 'move' && (
        <MoveForm
          appointment={appointment}
          dentists={dentists}
          zone={zone}
          move={actions.move}
          onBack={() => setPane('look')}
          onClose={onClose}
        />
      )}
      {pane === 'cancel' && (
        <CancelForm
          appointment={appointment}
          setStatus={actions.setStatus}
          onBack={() => setPane('look')}
          onClose={onClose}
        />
      )}
    </Dialog>
  )
}

function Notes({ appointment, onSaved }: { appointment: DayAppointment; onSaved(): void }) {
  const client = useChairtime()
  const [notes, setNotes] = useState(appointment.notes ?? '')
  const save = useMutation({
    mutationFn: () =>
      client.rpc('update_appointment', {
        appointment_id: appointment.id,
        notes,
        expected_version: appointment.version,
      }),
    onSuccess: onSaved,
  })
  const isChanged = notes !== (appointment.notes ?? '')
  return (
    <div className="stack">
      <label className="field">
        <span>Notes</span>
        <textarea
          className="input"
          rows={3}
          maxLength={4000}
          value={notes}
          onChange={(event) => setNotes(event.target.value)}
        />
      </label>
      <ErrorNotice error={save.error} />
      {isChanged && (
        <div className="actions">
          <Button className="small" busy={save.isPending} onClick={() => save.mutate()}>
            Save notes
          </Button>
        </div>
      )}
    </div>
  )
}

interface StatusProps {
  appointment: DayAppointment
  actions: Actions
  onPane(pane: Pane): void
  onClose(): void
}

function StatusActions({ appointment, actions, onPane, onClose }: StatusProps) {
  const { clock } = useChairtime()
  const { status } = appointment
  const set = (next: AppointmentStatus) =>
    actions.setStatus.mutate({ appointment, status: next }, { onSuccess: onClose })
  const hasStarted = epoch(appointment.starts_at) <= clock.now()
  if (status !== 'booked' && status !== 'checked_in') return null
  return (
    <>
      <ErrorNotice error={actions.setStatus.error} />
      <div className="status-actions">
        {status === 'booked' && (
          <Button className="primary" onClick={() => set('checked_in')}>
            <Check size={17} /> Check in
          </Button>
        )}
        {status === 'checked_in' && (
          <Button className="primary" onClick={() => set('fulfilled')}>
            <CheckCheck size={17} /> Done
          </Button>
        )}
        {isMovable(appointment) && (
          <Button onClick={() => onPane('move')}>
            <Undo2 size={17} className="flip" /> Move
          </Button>
        )}
        {status === 'booked' && hasStarted && (
          <Button onClick={() => set('no_show')}>
            <UserX size={17} /> Missed
          </Button>
        )}
        <Button className="danger quiet" onClick={() => onPane('cancel')}>
          <CalendarX2 size={17} /> Cancel
        </Button>
      </div>
    </>
  )
}
