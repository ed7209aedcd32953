import { useQuery } from '@tanstack/react-query'
import { UserRoundX } from 'lucide-react'
import { type AppointmentType, type Audience, type Clinic, useChairtime } from '../../chairtime'
import { Empty } from '../ui/parts'
import { Contact } from './Contact'

const reasons: Record<Audience, string> = {
  everyone: 'Nobody takes such visits online just now.',
  new_patients: 'It is for those who come for the first time.',
  known_patients: 'It is for those who have been here before.',
  staff: 'The clinic books such visits itself.',
}

/** A visit that the clinic does not let this person book here, why, and whom to ask. */
export function NotForYou({ clinic, type }: { clinic: Clinic; type: AppointmentType }) {
  const client = useChairtime()
  // What was read before may be what has changed.
  const { data } = useQuery({
    queryKey: ['appointment type', type.id],
    staleTime: 0,
    queryFn: () => client.rows('appointment_types', (rows) => rows.eq('id', type.id)),
  })
  return (
    <div role="alert">
      <Empty icon={<UserRoundX />} title={`${type.name} is not booked online by you`}>
        <p>
          {reasons[(data?.[0] ?? type).audience]} Choose another kind of visit, or call{' '}
          <Contact clinic={clinic} />.
        </p>
      </Empty>
    </div>
  )
}
