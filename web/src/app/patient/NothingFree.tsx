import { CalendarSearch } from 'lucide-react'
import { useState } from 'react'
import { type AppointmentType, firstSlot, useChairtime } from '../../chairtime'
import { addDays, dayOf } from '../format'
import { explain } from '../messages'
import { Button, Empty } from '../ui/parts'
import { useToast } from '../ui/Toasts'

interface Props {
  type: AppointmentType
  dentistId: string | null
  from: string
  zone: string
  onTravel(day: string): void
}

const SEARCHED = 61

/** A week without a free time, and the way to the next one. */
export function NothingFree({ type, dentistId, from, zone, onTravel }: Props) {
  const client = useChairtime()
  const say = useToast()
  const [busy, setBusy] = useState(false)
  const find = async () => {
    setBusy(true)
    try {
      const found = await firstSlot(client, {
        appointment_type_id: type.id,
        from_date: from,
        to_date: addDays(from, SEARCHED),
        ...(dentistId ? { dentist_id: dentistId } : {}),
      })
      if (found) onTravel(dayOf(found.starts_at, zone))
      else say('There is nothing free in the coming two months.', 'bad')
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
