import { useMutation, useQueryClient } from '@tanstack/react-query'
import { UserMinus } from 'lucide-react'
import { useId, useState } from 'react'
import { type StaffMember, useChairtime, useSession } from '../../chairtime'
import { Dialog } from '../ui/Dialog'
import { Avatar, Button, ErrorNotice, Notice } from '../ui/parts'
import { useToast, useUndo } from '../ui/Toasts'
import { staffRoles } from './roles'

interface Props {
  clinicId: string
  member: StaffMember
  /** The clinic keeps at least one: this one cannot leave the role. */
  isLastAdmin: boolean
  onChanged(): void
}

/** A colleague: their role, and the way off the staff. */
export function Member({ clinicId, member, isLastAdmin, onChanged }: Props) {
  const client = useChairtime()
  const isMe = useSession()?.user.id === member.user_id
  const say = useToast()
  const noteId = useId()
  const [isLeaving, setLeaving] = useState(false)
  const name = member.full_name ?? 'No name yet'
  const grant = useMutation({
    mutationFn: (role: string) =>
      client.rpc('grant_staff_role', { clinic_id: clinicId, user_id: member.user_id, role }),
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
        onChange={(event) => grant.mutate(event.target.value)}
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
      <ErrorNotice error={grant.error} />
      {isLeaving && (
        <RemoveDialog
          clinicId={clinicId}
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
function RemoveDialog({ clinicId, member, name, isMe, isLastAdmin, onChanged, onClose }: RemoveProps) {
  const client = useChairtime()
  const queries = useQueryClient()
  const say = useToast()
  const offerUndo = useUndo()
  const whom = { clinic_id: clinicId, user_id: member.user_id }
  const undo = async () => {
    await client.rpc('grant_staff_role', { ...whom, role: member.role })
    onChanged()
  }
  const revoke = useMutation({
    mutationFn: () => client.rpc('revoke_staff_role', whom),
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
            : `${name} loses access to this desk at once. Appointments stay as they are, and you can undo this.`}
        </Notice>
      )}
      <ErrorNotice error={revoke.error} />
      <div className="actions">
        <Button className="quiet" onClick={onClose}>
          {isLastAdmin ? 'Close' : 'Keep'}
        </Button>
        {!isLastAdmin && (
          <Button className="danger solid" busy={revoke.isPending} onClick={() => revoke.mutate()}>
            {isMe ? 'Leave' : 'Remove'}
          </Button>
        )}
      </div>
    </Dialog>
  )
}
