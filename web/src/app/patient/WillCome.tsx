import { CalendarCheck2 } from 'lucide-react'
import { type Appointment, epoch, type useAppointments } from '../../chairtime'
import { useIsPast } from '../useIsPast'
import { Button, ErrorNotice } from '../ui/parts'

interface Props {
  appointment: Appointment
  confirm: ReturnType<typeof useAppointments>['confirm']
}

/** Saying that one will come, as the clinic would otherwise ask. */
export function WillCome({ appointment, confirm }: Props) {
  const hasBegun = useIsPast(epoch(appointment.starts_at))
  const isThis = confirm.variables?.id === appointment.id
  if (appointment.confirmed_at) {
    return (
      <p className="small-text will-come">
        <CalendarCheck2 size={15} aria-hidden="true" /> The clinic knows that you will come.
      </p>
    )
  }
  if (hasBegun) return null
  return (
    <>
      <Button
        className="small"
        busy={isThis && confirm.isPending}
        onClick={() => confirm.mutate(appointment)}
      >
        <CalendarCheck2 size={15} /> I will come
      </Button>
      {isThis && <ErrorNotice error={confirm.error} />}
    </>
  )
}
