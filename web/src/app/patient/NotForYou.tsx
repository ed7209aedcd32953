import { UserRoundX } from 'lucide-react'
import type { AppointmentType, Audience, Clinic } from '../../chairtime'
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
  return (
    <div role="alert">
      <Empty icon={<UserRoundX />} title={`${type.name} is not booked online by you`}>
        <p>
          {reasons[type.audience]} Choose another kind of visit, or call <Contact clinic={clinic} />.
        </p>
      </Empty>
    </div>
  )
}
