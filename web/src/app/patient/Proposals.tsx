import { useQueries } from '@tanstack/react-query'
import { CalendarSearch, Users } from 'lucide-react'
import { useMemo } from 'react'
import { type Clinic, epoch, listSlots, type Slot, useChairtime, useFresh, useTopic } from '../../chairtime'
import { addDays, clockTime, dayInWords, dayOf } from '../format'
import { Empty, ErrorNotice, Skeleton } from '../ui/parts'
import type { Coming } from './Participants'
import { type Arrangement, together } from './together'

interface Props {
  clinic: Clinic
  coming: Coming[]
  arrangement: Arrangement
  from: string
  picked: Slot[] | null
  onPick(visits: Slot[]): void
}

/** The times of a week at which all can come, by their days; read anew when something at the clinic changes. */
export function Proposals({ clinic, coming, arrangement, from, picked, onPick }: Props) {
  const listings = useListings(clinic, coming, from)
  const error = listings.find((each) => each.error)?.error ?? null
  const isLoading = listings.some(({ data }) => data === undefined)
  const slots = JSON.stringify(listings.map(({ data }) => data ?? []))
  const byDay = useMemo(
    () =>
      Map.groupBy(together(JSON.parse(slots) as Slot[][], arrangement), ([first]) =>
        dayOf((first as Slot).starts_at, clinic.time_zone),
      ),
    [slots, arrangement, clinic.time_zone],
  )
  if (coming.length < 2) {
    return (
      <Empty icon={<Users />} title="Choose two people or more">
        <p>Say who comes and for what: the times that suit all of you appear here.</p>
      </Empty>
    )
  }
  if (error)
    return <ErrorNotice error={error} retry={() => listings.forEach((each) => void each.refetch())} />
  if (isLoading) return <Skeleton height={280} />
  if (byDay.size === 0) {
    return (
      <Empty icon={<CalendarSearch />} title="No time for all of you in these days">
        <p>Try another week, or the other way: one after another, or at the same time.</p>
      </Empty>
    )
  }
  return (
    <div className="proposals">
      {[...byDay].map(([day, ways]) => (
        <section key={day} aria-label={dayInWords(day)}>
          <h3>{dayInWords(day)}</h3>
          <ul>
            {ways.map((visits) => {
              const [first] = visits as [Slot, ...Slot[]]
              const isPicked = picked?.[0]?.starts_at === first.starts_at
              return (
                <li key={epoch(first.starts_at)}>
                  <button
                    type="button"
                    className="slot"
                    data-state={isPicked ? 'picked' : 'free'}
                    aria-pressed={isPicked}
                    data-starts-at={new Date(epoch(first.starts_at)).toISOString()}
                    onClick={() => onPick(visits)}
                  >
                    {clockTime(first.starts_at, clinic.time_zone)}
                  </button>
                </li>
              )
            })}
          </ul>
        </section>
      ))}
    </div>
  )
}

/** The free slots of each one's visit; what two have in common is asked for once. */
function useListings(clinic: Clinic, coming: Coming[], from: string) {
  const client = useChairtime()
  const refresh = useFresh(['family slots', clinic.id])
  useTopic(`availability:${clinic.id}`, { onEvent: refresh, onResync: refresh })
  const typeIds = [...new Set(coming.map(({ type }) => type.id))]
  const queries = useQueries({
    queries: typeIds.map((appointment_type_id) => ({
      queryKey: ['family slots', clinic.id, appointment_type_id, from],
      queryFn: () => listSlots(client, { appointment_type_id, from_date: from, to_date: addDays(from, 6) }),
      staleTime: 0,
    })),
  })
  return coming.map(({ type }) => queries[typeIds.indexOf(type.id)] as (typeof queries)[number])
}
