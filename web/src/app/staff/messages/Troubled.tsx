import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { MailCheck } from 'lucide-react'
import { Link } from 'wouter'
import { type Clinic, type Message, patientNames, useChairtime, useMessages } from '../../../chairtime'
import { nearTime } from '../../format'
import { Empty, ErrorNotice, Skeleton } from '../../ui/parts'
import { visitPath } from '../useDayView'
import { MessageRows } from './MessageList'

/** What did not arrive, or may not have, and is still to be told. */
export function Troubled({ clinic }: { clinic: Clinic }) {
  const client = useChairtime()
  const list = useMessages(clinic.id, 'troubled')
  const { messages, error, refresh } = list
  const ids = messages?.map(({ patient_id }) => patient_id) ?? []
  const names = useQuery({
    queryKey: ['chairtime', 'patient names', ids],
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    queryFn: () => patientNames(client, ids),
  })
  return (
    <section className="card panel-card" aria-labelledby="trouble">
      <h2 id="trouble">Not delivered</h2>
      <ErrorNotice error={error} retry={refresh} />
      <ErrorNotice error={names.error} retry={() => void names.refetch()} />
      {!messages && !error && <Skeleton height={180} />}
      {messages?.length === 0 && (
        <Empty icon={<MailCheck />} title="Everything arrived">
          <p>What could not be delivered, or may not have arrived, appears here while the visit is ahead.</p>
        </Empty>
      )}
      <MessageRows list={list} zone={clinic.time_zone} label="Not delivered">
        {(message) => (
          <About message={message} clinic={clinic} name={names.data?.get(message.patient_id ?? '')} />
        )}
      </MessageRows>
    </section>
  )
}

function About({ message, clinic, name }: { message: Message; clinic: Clinic; name: string | undefined }) {
  const { patient_id, appointment_id, starts_at } = message
  return (
    <p className="entry-who">
      {patient_id && (
        <Link href={`/desk/${clinic.slug}/patients/${patient_id}`} className="found-link">
          <strong>{name ?? 'A patient'}</strong>
        </Link>
      )}
      {appointment_id && starts_at && (
        <Link href={visitPath(clinic, { id: appointment_id, starts_at })} className="num">
          {nearTime(starts_at, clinic.time_zone)}
        </Link>
      )}
    </p>
  )
}
