import { useQuery } from '@tanstack/react-query'
import { UserRoundX } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { type Dentist, useChairtime, useTopic } from '../../chairtime'
import { useDentists } from '../data'
import { Empty, ErrorNotice, PageTitle } from '../ui/parts'
import { Loading } from '../ui/states'
import type { DeskProps } from './Desk'
import { ExtraHours } from './ExtraHours'
import { NoCalendar } from './NoCalendar'
import { TimeOff } from './TimeOff'
import { WeeklyEditor } from './WeeklyEditor'

/** When a dentist works: the week, the exceptions, the time off. Nothing is changed before its consequences are shown. */
export function HoursPage(desk: DeskProps) {
  const { clinic, membership } = desk
  const dentists = useDentists(clinic.id)
  const choices = dentists.data?.filter(
    ({ id }) => membership.role === 'admin' || id === membership.dentist_id,
  )
  const [first] = choices ?? []
  return (
    <div className="page">
      {!choices && <Loading error={dentists.error} heights={[60, 480]} />}
      {choices &&
        !first &&
        (membership.role === 'admin' ? <NoDentists slug={clinic.slug} /> : <NoCalendar />)}
      {choices && first && <Hours {...desk} choices={choices} first={first} />}
    </div>
  )
}

function NoDentists({ slug }: { slug: string }) {
  return (
    <Empty icon={<UserRoundX />} title="No dentists yet" isPage>
      <p>Hours belong to dentists. Add the first one to the team, then say here when they work.</p>
      <Link href={`/desk/${slug}/team`} className="btn primary">
        To the team
      </Link>
    </Empty>
  )
}

function Hours({ clinic, membership, choices, first }: DeskProps & { choices: Dentist[]; first: Dentist }) {
  const client = useChairtime()
  const [picked, setPicked] = useState(first.id)
  const dentistId = choices.some(({ id }) => id === picked) ? picked : first.id
  const hours = useQuery({
    queryKey: ['availability', clinic.id, dentistId],
    queryFn: () => client.rpc('get_availability', { dentist_id: dentistId, clinic_id: clinic.id }),
  })
  const refresh = () => void hours.refetch()
  useTopic(`availability:${clinic.id}`, {
    onResync: refresh,
    onEvent: ({ event, dentist_id }) => {
      // A closed clinic is said of everybody at once.
      if (event === 'availability_changed' || (event === 'hours_changed' && dentist_id === dentistId))
        refresh()
    },
  })
  return (
    <>
      <header className="page-head">
        <div>
          <PageTitle>Hours</PageTitle>
          <p className="muted">
            All times are the clinic's. Booked appointments are never moved or cancelled silently.
          </p>
        </div>
        <label>
          <span className="sr-only">Dentist</span>
          <select className="input" value={dentistId} onChange={(event) => setPicked(event.target.value)}>
            {choices.map(({ id, full_name }) => (
              <option key={id} value={id}>
                {full_name}
              </option>
            ))}
          </select>
        </label>
      </header>
      <ErrorNotice error={hours.error ?? hours.failureReason} retry={refresh} />
      {!hours.data && !hours.isError && <Loading heights={[480]} />}
      {hours.data && (
        <div className="panels" key={dentistId}>
          <WeeklyEditor key={JSON.stringify(hours.data.weekly)} availability={hours.data} onSaved={refresh} />
          <div className="stack">
            <TimeOff
              clinic={clinic}
              availability={hours.data}
              mayCloseClinic={membership.role === 'admin'}
              onChanged={refresh}
            />
            <ExtraHours availability={hours.data} onChanged={refresh} />
          </div>
        </div>
      )}
    </>
  )
}
