import { useMutation, useQueryClient } from '@tanstack/react-query'
import { UserMinus } from 'lucide-react'
import { useId, useState } from 'react'
import { type Clinic, type StaffMember, type StaffRole, useChairtime, useSession } from '../../chairtime'
import { Dialog } from '../ui/Dialog'
import { Avatar, Button, Notice } from '../ui/parts'
import { useToast, useUndo } from '../ui/Toasts'
import { InTheWay, isInTheWay } from './InTheWay'
import { staffRoles } from './roles'

interface Props {
  clinic: Clinic
  member: StaffMember
  /** The clinic keeps at least one: this one cannot leave the role. */
  isLastAdmin: boolean
  onChanged(): void
}

/** A colleague: their role, and the way off the staff. */
export function Member({ clinic, member, isLastAdmin, onChanged }: Props) {
  const client = useChairtime()
  const isMe = useSession()?.user.id === member.user_id
  const say = useToast()
  const noteId = useId()
  const [isLeaving, setLeaving] = useState(false)
  const name = member.full_name ?? 'No name yet'
  const grant = useMutation({
    mutationFn: (change: { role: StaffRole; on_conflict?: 'keep' }) =>
      client.rpc('grant_staff_role', { clinic_id: clinic.id, user_id: member.user_id, ...change }),
    onSuccess: () => say(`${name} has a new role.`),
    onSettled: onChanged,
  })
  return (
    <li className="person-row">
      <Avatar name={name} />
      <div className="grow">
        <strong className="clip">
          {name} {isMe && <span className="muted">(you)</span>}
        </strong>
        {isLastAdmin && (
          <p id={noteId} className="muted small-text">
            The only administrator: make somebody else one before this changes.
          </p>
        )}
      </div>
      <select
        className="input small"
        aria-label={`Role of ${name}`}
        aria-describedby={isLastAdmin ? noteId : undefined}
        value={member.role}
        disabled={grant.isPending || isLastAdmin}
        onChange={(event) => grant.mutate({ role: event.target.value as StaffRole })}
      >
        {staffRoles.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <Button
        className="icon small quiet danger"
        aria-label={`Remove ${name}`}
        onClick={() => setLeaving(true)}
      >
        <UserMinus size={17} />
      </Button>
      <InTheWay
        error={grant.error}
        zone={clinic.time_zone}
        label="Change the role, and keep them"
        busy={grant.isPending}
        onKeep={() => grant.variables && grant.mutate({ ...grant.variables, on_conflict: 'keep' })}
      />
      {isLeaving && (
        <RemoveDialog
          clinic={clinic}
          member={member}
          name={name}
          isMe={isMe}
          isLastAdmin={isLastAdmin}
          onChanged={onChanged}
          onClose={() => setLeaving(false)}
        />
      )}
    </li>
  )
}

interface RemoveProps extends Props {
  name: string
  isMe: boolean
  onClose(): void
}

/** Asks before somebody is taken off the staff, and offers to take it back afterwards. */
function RemoveDialog({ clinic, member, name, isMe, isLastAdmin, onChanged, onClose }: RemoveProps) {
  const client = useChairtime()
  const queries = useQueryClient()
  const say = useToast()
  const offerUndo = useUndo()
  const whom = { clinic_id: clinic.id, user_id: member.user_id }
  const undo = async () => {
    await client.rpc('grant_staff_role', { ...whom, role: member.role })
    onChanged()
  }
  const revoke = useMutation({
    mutationFn: (on_conflict: 'reject' | 'keep') => client.rpc('revoke_staff_role', { ...whom, on_conflict }),
    onSuccess: () => {
      const text = `${name} is no longer on the staff.`
      if (isMe) say(text)
      else offerUndo(text, undo)
      onClose()
      onChanged()
      if (isMe) void queries.invalidateQueries({ queryKey: ['me'] })
    },
  })
  return (
    <Dialog title={isMe ? 'Leave the staff?' : `Remove ${name}?`} onClose={onClose}>
      {isLastAdmin ? (
        <Notice tone="bad">
          {name} is the only administrator, and a clinic keeps at least one. Make somebody else an
          administrator first.
        </Notice>
      ) : (
        <Notice tone="warn">
          {isMe
            ? 'You lose access to this desk at once, and cannot take it back yourself.'
            : `${name} loses access to this desk at once. You can undo this.`}
        </Notice>
      )}
      <InTheWay
        error={revoke.error}
        zone={clinic.time_zone}
        label={isMe ? 'Leave, and keep them' : 'Remove, and keep them'}
        busy={revoke.isPending}
        onKeep={() => revoke.mutate('keep')}
      />
      <div className="actions">
        <Button className="quiet" onClick={onClose}>
          {isLastAdmin ? 'Close' : 'Keep'}
        </Button>
        {!isLastAdmin && !isInTheWay(revoke.error) && (
          <Button className="danger solid" busy={revoke.isPending} onClick={() => revoke.mutate('reject')}>
            {isMe ? 'Leave' : 'Remove'}
          </Button>
        )}
      </div>
    </Dialog>
  )
}
