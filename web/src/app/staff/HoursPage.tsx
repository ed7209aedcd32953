import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChairtime, useTopic } from '../../chairtime'
import { useDentists } from '../data'
import { ErrorNotice, Skeleton } from '../ui/parts'
import type { DeskProps } from './Desk'
import { ExtraHours } from './ExtraHours'
import { TimeOff } from './TimeOff'
import { WeeklyEditor } from './WeeklyEditor'

/** When a dentist works: the week, the exceptions, the time off. Nothing is changed before its consequences are shown. */
export function HoursPage({ clinic, membership }: DeskProps) {
  const client = useChairtime()
  const [picked, setPicked] = useState<string | null>(null)
  const dentists = useDentists(clinic.id).data
  const own = membership.role === 'dentist' ? membership.dentist_id : null
  const choices = own ? dentists?.filter(({ id }) => id === own) : dentists
  const dentistId = picked ?? choices?.[0]?.id
  const hours = useQuery({
    queryKey: ['availability', dentistId],
    enabled: dentistId !== undefined,
    queryFn: () => client.rpc('get_availability', { dentist_id: dentistId as string }),
  })
  const refresh = () => void hours.refetch()
  useTopic(dentistId ? `availability:${clinic.id}` : null, {
    onResync: refresh,
    onEvent: ({ event, dentist_id }) => event === 'hours_changed' && dentist_id === dentistId && refresh(),
  })
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>Hours</h1>
          <p className="muted">
            All times are the clinic's. Booked appointments are never moved or cancelled silently.
          </p>
        </div>
        <label>
          <span className="sr-only">Dentist</span>
          <select
            className="input"
            value={dentistId ?? ''}
            onChange={(event) => setPicked(event.target.value)}
          >
            {choices?.map(({ id, full_name }) => (
              <option key={id} value={id}>
                {full_name}
              </option>
            ))}
          </select>
        </label>
      </header>
      <ErrorNotice error={hours.error} retry={refresh} />
      <div className="panels" key={dentistId}>
        {hours.data && dentistId ? (
          <>
            <WeeklyEditor
              key={JSON.stringify(hours.data.weekly)}
              availability={hours.data}
              onSaved={refresh}
            />
            <div className="stack">
              <TimeOff
                clinic={clinic}
                availability={hours.data}
                mayCloseClinic={membership.role === 'admin'}
                onChanged={refresh}
              />
              <ExtraHours availability={hours.data} onChanged={refresh} />
            </div>
          </>
        ) : (
          !hours.error && (
            <>
              <Skeleton height={480} />
              <Skeleton height={320} />
            </>
          )
        )}
      </div>
    </div>
  )
}
