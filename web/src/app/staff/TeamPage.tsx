import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useChairtime } from '../../chairtime'
import { Button, ErrorNotice, PageTitle, Skeleton } from '../ui/parts'
import { AddToStaff } from './AddToStaff'
import { Dentists } from './Dentists'
import type { DeskProps } from './Desk'
import { Member } from './Member'

/** Who works here as what, and which dentists can be booked. */
export function TeamPage({ clinic }: DeskProps) {
  const client = useChairtime()
  const [isAdding, setAdding] = useState(false)
  const staff = useQuery({
    queryKey: ['staff', clinic.id],
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
        <Button className="primary" onClick={() => setAdding(true)}>
          <Plus size={18} /> Add to staff
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
        <Dentists clinic={clinic} />
      </div>
      {isAdding && <AddToStaff clinicId={clinic.id} onClose={() => setAdding(false)} onAdded={refresh} />}
    </div>
  )
}
