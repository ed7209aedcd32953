import { Hourglass, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { type Clinic, useWaitlist } from '../../../chairtime'
import { useAppointmentTypes, useDentists } from '../../data'
import { Button, Empty, ErrorNotice, Skeleton } from '../../ui/parts'
import { BookDialog, type BookDraft } from '../booking/BookDialog'
import { JoinDialog } from './JoinDialog'
import { WishRow } from './WishRow'

/** Who waits, in the order in which they are asked, with what each waits for and is offered. */
export function WaitingList({ clinic }: { clinic: Clinic }) {
  const waitlist = useWaitlist({ clinicId: clinic.id })
  const { wishes, error, refresh } = waitlist
  const types = useAppointmentTypes(clinic.id).data
  const dentists = useDentists(clinic.id).data
  const [isJoining, setJoining] = useState(false)
  const [draft, setDraft] = useState<BookDraft | null>(null)
  return (
    <section className="card panel-card" aria-labelledby="waiting">
      <div className="spread call-head">
        <h2 id="waiting">
          Asked in this order
          {wishes && <span className="muted"> · {wishes.length} waiting</span>}
        </h2>
        <Button className="small primary" onClick={() => setJoining(true)}>
          <UserPlus size={15} aria-hidden="true" /> Add somebody
        </Button>
      </div>
      <ErrorNotice error={error} retry={refresh} />
      {!wishes && !error && <Skeleton height={180} />}
      {wishes?.length === 0 && (
        <Empty icon={<Hourglass />} title="Nobody waits">
          <p>What becomes free is free for everybody at once.</p>
        </Empty>
      )}
      <ul className="rows waiting">
        {wishes?.map((wish) => (
          <WishRow
            key={wish.id}
            wish={wish}
            clinic={clinic}
            type={types?.find(({ id }) => id === wish.appointment_type_id)?.name ?? 'Visit'}
            nameOf={(id) => dentists?.find((each) => each.id === id)?.full_name}
            waitlist={waitlist}
            onTake={setDraft}
          />
        ))}
      </ul>
      {isJoining && <JoinDialog clinic={clinic} onClose={() => setJoining(false)} />}
      {draft && <BookDialog clinic={clinic} draft={draft} dentistId={null} onClose={() => setDraft(null)} />}
    </section>
  )
}
