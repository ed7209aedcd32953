import { PhoneCall } from 'lucide-react'
import { useSearchParams } from 'wouter'
import { type Clinic, useUnconfirmed } from '../../../chairtime'
import { useAppointmentTypes, useDentists } from '../../data'
import { addDays, dayIn, dayInWords, today } from '../../format'
import { Empty, ErrorNotice, Notice, Skeleton } from '../../ui/parts'
import { DayTravel } from '../DayTravel'
import { CallRow } from './CallRow'

/** Who has not said that they will come: tomorrow's, or any day's, one after another to be called. */
export function CallList({ clinic }: { clinic: Clinic }) {
  const [search, setSearch] = useSearchParams()
  const asked = search.get('day')
  const tomorrow = addDays(today(clinic.time_zone), 1)
  const day = dayIn(asked) ?? tomorrow
  const { visits, error, refresh, confirm } = useUnconfirmed(clinic.id, day)
  const types = useAppointmentTypes(clinic.id).data
  const dentists = useDentists(clinic.id).data
  const show = (next: string) => setSearch({ show: 'calls', day: next }, { replace: true })
  return (
    <section className="card panel-card" aria-labelledby="calls">
      <div className="spread call-head">
        <h2 id="calls" aria-live="polite">
          {dayInWords(day)}
          {visits && <span className="muted"> · {countOf(visits.length)}</span>}
        </h2>
        <div className="toolbar">
          <DayTravel day={day} home={tomorrow} homeName="Tomorrow" className="small" onShow={show} />
        </div>
      </div>
      {asked !== null && !dayIn(asked) && (
        <Notice tone="warn">The address names no day. This is tomorrow.</Notice>
      )}
      <ErrorNotice error={error} retry={refresh} />
      {!visits && !error && <Skeleton height={180} />}
      {visits?.length === 0 && (
        <Empty icon={<PhoneCall />} title="Nobody to call">
          <p>Everybody who is booked ahead on this day has said that they will come, or nobody is booked.</p>
        </Empty>
      )}
      <ul className="rows calls">
        {visits?.map((visit) => (
          <CallRow
            key={visit.appointment_id}
            visit={visit}
            clinic={clinic}
            type={types?.find(({ id }) => id === visit.appointment_type_id)?.name ?? 'Visit'}
            dentist={dentists?.find(({ id }) => id === visit.dentist_id)?.full_name}
            confirm={confirm}
          />
        ))}
      </ul>
    </section>
  )
}

function countOf(visits: number): string {
  return visits === 1 ? '1 not confirmed' : `${visits} not confirmed`
}
