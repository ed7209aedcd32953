import type { DayAppointment, DayDentist } from '../../chairtime'
import { DayTable } from './DayTable'
import type { Phones } from './usePhones'

interface Props {
  dentists: DayDentist[]
  zone: string
  phones: Phones
  onOpen(appointment: DayAppointment): void
}

/** The day as one list, for who calls patients or looks for one. */
export function DayList({ dentists, zone, phones, onOpen }: Props) {
  return (
    <div className="card day-list">
      <DayTable
        dentists={dentists}
        zone={zone}
        phones={phones}
        caption="Appointments of the day"
        withDentist
        onOpen={onOpen}
      />
    </div>
  )
}
