import { UserRoundX } from 'lucide-react'
import { Empty } from '../ui/parts'

/** For somebody with the role of a dentist whose login belongs to none of the clinic's dentists. */
export function NoCalendar() {
  return (
    <Empty icon={<UserRoundX />} title="You have no calendar yet" isPage>
      <p>Your login is not linked to one of the clinic’s dentists. An administrator can link it.</p>
    </Empty>
  )
}
