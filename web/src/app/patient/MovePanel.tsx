import { ArrowRight } from 'lucide-react'
import { useLocation } from 'wouter'
import { type Appointment, type Dentist, epoch, type Slot, useAppointments } from '../../chairtime'
import { longDay } from '../format'
import { Button, ErrorNotice } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { Times } from './Times'

interface Props {
  appointment: Appointment
  slot: Slot
  zone: string
  dentists: Dentist[]
  onClose(): void
}

/** From the old time to the new one. The old one stays until the server has accepted the new one. */
export function MovePanel({ appointment, slot, zone, dentists, onClose }: Props) {
  const { reschedule } = useAppointments()
  const [, navigate] = useLocation()
  const say = useToast()
  const dentist = dentists.find(({ id }) => id === slot.dentist_id)
  const endsAt = new Date(
    epoch(slot.starts_at) + epoch(appointment.ends_at) - epoch(appointment.starts_at),
  ).toISOString()
  const confirm = () =>
    reschedule.mutate(
      { appointment, startsAt: slot.starts_at, dentistId: slot.dentist_id },
      {
        onSuccess: () => {
          say(`Moved to ${longDay(slot.starts_at, zone)}.`)
          navigate('/appointments')
        },
      },
    )
  return (
    <section className="panel" aria-label="New time">
      <div className="move">
        <div>
          <small>Now</small>
          <h2>{longDay(appointment.starts_at, zone)}</h2>
          <Times from={appointment.starts_at} until={appointment.ends_at} zone={zone} />
        </div>
        <ArrowRight size={20} aria-label="to" />
        <div>
          <small>New</small>
          <h2>{longDay(slot.starts_at, zone)}</h2>
          <Times from={slot.starts_at} until={endsAt} zone={zone} />
        </div>
      </div>
      {dentist && dentist.id !== appointment.dentist_id && <p className="muted">With {dentist.full_name}.</p>}
      <ErrorNotice error={reschedule.error} />
      <div className="panel-actions">
        <Button className="quiet" onClick={onClose}>
          Keep looking
        </Button>
        <Button className="primary" busy={reschedule.isPending} onClick={confirm}>
          Move appointment
        </Button>
      </div>
    </section>
  )
}
