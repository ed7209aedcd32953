import { CalendarSearch } from 'lucide-react'
import { useState } from 'react'
import { type AppointmentType, useChairtime } from '../../chairtime'
import { dayOf, instantAt } from '../format'
import { explain } from '../messages'
import { Button, Empty } from '../ui/parts'
import { useToast } from '../ui/Toasts'

interface Props {
  type: AppointmentType
  dentistId: string | null
  /** Where an appointment is moved. */
  appointmentId: string | null
  from: string
  zone: string
  onTravel(day: string): void
}

/** A week without a free time, and the way to the next one. */
export function NothingFree({ type, dentistId, appointmentId, from, zone, onTravel }: Props) {
  const client = useChairtime()
  const say = useToast()
  const [busy, setBusy] = useState(false)
  const find = async () => {
    setBusy(true)
    try {
      const [found] = await client.late('next_slots', {
        appointment_type_id: type.id,
        from_time: instantAt(from, '00:00', zone),
        max_results: 1,
        ...(dentistId ? { dentist_id: dentistId } : {}),
        ...(appointmentId ? { appointment_id: appointmentId } : {}),
      })
      if (found) onTravel(dayOf(found.starts_at, zone))
      else say('There is nothing free as far ahead as one can book.', 'bad')
    } catch (error) {
      say(explain(error as Error).title, 'bad')
    }
    setBusy(false)
  }
  return (
    <Empty icon={<CalendarSearch />} title="Nothing free in these days">
      <p>Try another dentist or a later week.</p>
      <Button className="primary" busy={busy} onClick={find}>
        Find the next free time
      </Button>
    </Empty>
  )
}
