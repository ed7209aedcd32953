import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useChairtime } from '../../chairtime'
import { Button, ErrorNotice, PageTitle, Skeleton } from '../ui/parts'
import { Dentists } from './Dentists'
import type { DeskProps } from './Desk'
import { InviteStaff } from './InviteStaff'
import { Invited } from './Invited'
import { Member } from './Member'
import { untold, useInvitations } from './useInvitations'

/** Who works here as what, and which dentists can be booked. */
export function TeamPage({ clinic }: DeskProps) {
  const client = useChairtime()
  const [isInviting, setInviting] = useState(false)
  const invited = useInvitations(clinic.id, ['invitations', clinic.id], null)
  const staff = useQuery({
    queryKey: ['staff', clinic.id],
    ...untold,
    queryFn: () => client.rows('staff', (rows) => rows.eq('clinic_id', clinic.id).order('role')),
  })
  const refresh = () => void staff.refetch()
  const admins = staff.data?.filter(({ role }) => role === 'admin').length
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <PageTitle>Team</PageTitle>
          <p className="muted">
            Everybody who can work at {clinic.name}, and the dentists who can be booked.
          </p>
        </div>
        <Button className="primary" onClick={() => setInviting(true)}>
          <Plus size={18} /> Invite
        </Button>
      </header>
      <ErrorNotice error={staff.error ?? staff.failureReason} retry={refresh} />
      <div className="panels">
        <section className="card panel-card">
          <h2>Staff</h2>
          {!staff.data && !staff.isError && !staff.failureReason && <Skeleton height={230} />}
          <ul className="rows">
            {staff.data?.map((member) => (
              <Member
                key={member.user_id}
                clinic={clinic}
                member={member}
                isLastAdmin={member.role === 'admin' && admins === 1}
                onChanged={refresh}
              />
            ))}
          </ul>
        </section>
        <div className="stack">
          <Dentists clinic={clinic} />
          <Invited invited={invited} clinic={clinic} />
        </div>
      </div>
      {isInviting && (
        <InviteStaff clinic={clinic} onClose={() => setInviting(false)} onInvited={invited.refresh} />
      )}
    </div>
  )
}
