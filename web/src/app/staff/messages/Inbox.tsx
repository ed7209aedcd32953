import { Inbox as InboxIcon } from 'lucide-react'
import { type Clinic, useReplies } from '../../../chairtime'
import { Empty, ErrorNotice, Skeleton } from '../../ui/parts'
import { ReplyRow } from './ReplyRow'

/** What people wrote back that nobody understood, the oldest first. */
export function Inbox({ clinic }: { clinic: Clinic }) {
  const { replies, error, refresh, handle } = useReplies(clinic.id)
  return (
    <section className="card panel-card" aria-labelledby="replies">
      <h2 id="replies">Replies to read</h2>
      <ErrorNotice error={error} retry={refresh} />
      {!replies && !error && <Skeleton height={180} />}
      {replies?.length === 0 && (
        <Empty icon={<InboxIcon />} title="Nothing to read">
          <p>
            Who answers “yes” or cancels is understood at once. What needs a person appears here the moment it
            comes in.
          </p>
        </Empty>
      )}
      <ul className="rows replies">
        {replies?.map((reply) => (
          <ReplyRow key={reply.id} reply={reply} clinic={clinic} handle={handle} />
        ))}
      </ul>
    </section>
  )
}
