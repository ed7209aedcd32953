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
  const shared = { dentists, zone, phones, withDentist: true, onOpen }
  const hasCancelled = dentists.some(({ appointments }) =>
    appointments.some(({ status }) => status === 'cancelled'),
  )
  return (
    <div className="stack">
      <div className="card day-list">
        <DayTable {...shared} caption="Appointments of the day" />
      </div>
      {hasCancelled && (
        <section className="card day-list" aria-label="Cancelled">
          <h2>Cancelled</h2>
          <DayTable {...shared} caption="Cancelled appointments of the day" cancelled />
        </section>
      )}
    </div>
  )
}
