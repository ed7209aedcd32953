import type { Clinic, DayDentist } from '../../chairtime'
import { dayInWords, timeRange } from '../format'
import { DayTable } from './DayTable'
import type { View } from './useDayView'
import type { Phones } from './usePhones'

interface Props {
  clinic: Clinic
  day: string
  dentists: DayDentist[]
  phones: Phones
  /** As the page shows the day: the board becomes a page for each dentist, the list one list. */
  as: View
}

/** The day on paper. */
export function PrintedDay({ clinic, day, dentists, phones, as }: Props) {
  const leaders = new Map(dentists.map(({ dentist_id, full_name }) => [dentist_id, full_name]))
  const sheets = as === 'list' ? [dentists] : dentists.map((dentist) => [dentist])
  return (
    <div className="printed" aria-hidden="true">
      {sheets.map((sheet) => (
        <section key={sheet[0]?.dentist_id} className="sheet">
          <header>
            <h2>{as === 'list' ? clinic.name : sheet[0]?.full_name}</h2>
            <p>
              {dayInWords(day)}
              {as === 'board' && `, ${clinic.name}`}
            </p>
            {as === 'board' && sheet[0] && <Hours dentist={sheet[0]} zone={clinic.time_zone} />}
          </header>
          <DayTable
            dentists={sheet}
            zone={clinic.time_zone}
            phones={phones}
            caption="Appointments"
            withDentist={as === 'list'}
            leaders={leaders}
          />
        </section>
      ))}
    </div>
  )
}

function Hours({ dentist, zone }: { dentist: DayDentist; zone: string }) {
  const times = (periods: { starts_at: string; ends_at: string }[]) =>
    periods.map(({ starts_at, ends_at }) => timeRange(starts_at, ends_at, zone)).join(', ')
  return (
    <p>
      {dentist.hours.length > 0 ? `Works ${times(dentist.hours)}` : 'Does not work'}
      {dentist.time_off.length > 0 && ` · Off ${times(dentist.time_off)}`}
    </p>
  )
}
