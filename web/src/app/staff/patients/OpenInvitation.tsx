import type { Invitation } from '../../../chairtime'
import { fullTime } from '../../format'
import { Button } from '../../ui/parts'
import type { useInvitations } from '../useInvitations'

interface Props {
  invitation: Invitation
  zone: string
  revoke: ReturnType<typeof useInvitations>['revoke']
}

/** A code that is out and unused, and the way to make it void. */
export function OpenInvitation({ invitation: { id, relation, expires_at }, zone, revoke }: Props) {
  return (
    <div className="spread">
      <p className="small-text">
        {relation ? `A ${relation} is invited` : 'Invited'}, until{' '}
        <span className="num">{fullTime(expires_at, zone)}</span>
      </p>
      <Button className="small quiet danger" busy={revoke.isPending} onClick={() => revoke.mutate(id)}>
        Revoke
      </Button>
    </div>
  )
}
