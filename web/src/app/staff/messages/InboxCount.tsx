import { useReplies } from '../../../chairtime'

/** How many replies wait for somebody; nothing where none does. */
export function InboxCount({ clinicId }: { clinicId: string }) {
  const count = useReplies(clinicId).replies?.length ?? 0
  if (count === 0) return null
  return (
    <span className="count num" data-count={count}>
      {count > 99 ? '99+' : count}
      <span className="sr-only">{count === 1 ? ' reply waits' : ' replies wait'}</span>
    </span>
  )
}
