import { useQuery } from '@tanstack/react-query'
import { type Appointment, useChairtime, useSession } from '../../../chairtime'
import { useDentists } from '../../data'
import { fullTime } from '../../format'
import { ErrorNotice, Skeleton } from '../../ui/parts'
import { bookedFor, wordsOf } from './history'

interface Props {
  appointment: Pick<Appointment, 'id' | 'clinic_id' | 'version' | 'starts_at'>
  zone: string
}

/** Who did what to an appointment, the oldest first. */
export function VisitHistory({ appointment, zone }: Props) {
  const client = useChairtime()
  const userId = useSession()?.user.id
  const dentists = useDentists(appointment.clinic_id).data
  const { data, error, failureReason } = useQuery({
    // Whatever is done to it, its version counts.
    queryKey: ['chairtime', 'history', appointment.id, appointment.version],
    queryFn: () => client.rpc('appointment_history', { appointment_id: appointment.id }),
  })
  const dentistName = (id: string) => dentists?.find((each) => each.id === id)?.full_name ?? 'somebody else'
  return (
    <>
      <ErrorNotice error={error ?? failureReason} />
      {!data && !error && <Skeleton height={48} />}
      <ol className="history" aria-label="History">
        {data?.map((entry) => {
          const { text, note } = wordsOf(entry, {
            zone,
            userId,
            dentistName,
            startsAt: bookedFor(data) ?? appointment.starts_at,
          })
          return (
            <li key={entry.at + entry.action}>
              <p>{text}</p>
              {note && <p className="small-text muted">{note}</p>}
              <time className="small-text muted num" dateTime={entry.at}>
                {fullTime(entry.at, zone)}
              </time>
            </li>
          )
        })}
      </ol>
      {data?.length === 0 && (
        <p className="muted small-text">
          Nothing is written down: it is older than the clinic keeps its log.
        </p>
      )}
    </>
  )
}
