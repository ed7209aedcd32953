import { useMutation, useQuery } from '@tanstack/react-query'
import { Plus, UserMinus } from 'lucide-react'
import { useState } from 'react'
import { type StaffMember, type StaffRole, useChairtime, useSession } from '../../chairtime'
import { useDentists } from '../data'
import { Dialog } from '../ui/Dialog'
import { Avatar, Button, ErrorNotice, Notice, PageTitle, Skeleton } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import type { DeskProps } from './Desk'

const roles: { value: StaffRole; label: string }[] = [
  { value: 'admin', label: 'Administrator' },
  { value: 'dentist', label: 'Dentist' },
  { value: 'receptionist', label: 'Reception' },
  { value: 'chatbot', label: 'Chatbot' },
]

/** Who works here as what, and which dentists can be booked. */
export function TeamPage({ clinic }: DeskProps) {
  const client = useChairtime()
  const [isAdding, setAdding] = useState(false)
  const staff = useQuery({
    queryKey: ['staff', clinic.id],
    queryFn: () => client.rows('staff', (rows) => rows.eq('clinic_id', clinic.id).order('role')),
  })
  const refresh = () => void staff.refetch()
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
          {!staff.data && !staff.error && <Skeleton height={230} />}
          <ul className="rows">
            {staff.data?.map((member) => (
              <Member key={member.user_id} clinicId={clinic.id} member={member} onChanged={refresh} />
            ))}
          </ul>
        </section>
        <Dentists clinicId={clinic.id} />
      </div>
      {isAdding && <AddDialog clinicId={clinic.id} onClose={() => setAdding(false)} onAdded={refresh} />}
    </div>
  )
}

interface MemberProps {
  clinicId: string
  member: StaffMember
  onChanged(): void
}

function Member({ clinicId, member, onChanged }: MemberProps) {
  const client = useChairtime()
  const isMe = useSession()?.user.id === member.user_id
  const say = useToast()
  const name = member.full_name ?? 'No name yet'
  const grant = useMutation({
    mutationFn: (role: string) =>
      client.rpc('grant_staff_role', { clinic_id: clinicId, user_id: member.user_id, role }),
    onSuccess: () => say(`${name} has a new role.`),
    onSettled: onChanged,
  })
  const revoke = useMutation({
    mutationFn: () => client.rpc('revoke_staff_role', { clinic_id: clinicId, user_id: member.user_id }),
    onSuccess: () => say(`${name} is no longer on the staff.`),
    onSettled: onChanged,
  })
  return (
    <li className="person-row">
      <Avatar name={name} />
      <div className="grow">
        <strong className="clip">
          {name} {isMe && <span className="muted">(you)</span>}
        </strong>
      </div>
      <select
        className="input small"
        aria-label={`Role of ${name}`}
        value={member.role}
        disabled={grant.isPending}
        onChange={(event) => grant.mutate(event.target.value)}
      >
        {roles.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <Button
        className="icon small quiet danger"
        aria-label={`Remove ${name}`}
        busy={revoke.isPending}
        onClick={() => revoke.mutate()}
      >
        <UserMinus size={17} />
      </Button>
      <ErrorNotice error={grant.error ?? revoke.error} />
    </li>
  )
}

interface AddProps {
  clinicId: string
  onClose(): void
  onAdded(): void
}

const UUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'

/** People sign up themselves; the administrator gives them their role, from the patients with a login or by id. */
function AddDialog({ clinicId, onClose, onAdded }: AddProps) {
  const client = useChairtime()
  const { data: people } = useQuery({
    queryKey: ['people with a login', clinicId],
    queryFn: () =>
      client.rows('patients', (rows) =>
        rows.eq('clinic_id', clinicId).not('user_id', 'is', null).order('full_name').limit(100),
      ),
  })
  const grant = useMutation({
    mutationFn: (form: FormData) =>
      client.rpc('grant_staff_role', {
        clinic_id: clinicId,
        user_id: String(form.get('id') || form.get('person')),
        role: String(form.get('role')),
      }),
    onSuccess: () => {
      onAdded()
      onClose()
    },
  })
  return (
    <Dialog title="Add to staff" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          grant.mutate(new FormData(event.currentTarget))
        }}
      >
        <Notice>New colleagues sign up first, as everybody does. Here you give them their role.</Notice>
        {people && people.length > 0 && (
          <label className="field">
            <span>Person</span>
            <select className="input" name="person">
              {people.map((person) => (
                <option key={person.id} value={person.user_id ?? ''}>
                  {person.full_name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label className="field">
          <span>{people?.length ? 'Or their account id' : 'Account id'}</span>
          <input
            className="input"
            name="id"
            pattern={UUID}
            required={!people?.length}
            placeholder="00000000-0000-…"
          />
        </label>
        <label className="field">
          <span>Role</span>
          <select className="input" name="role" defaultValue="receptionist">
            {roles.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <ErrorNotice error={grant.error} />
        <div className="actions">
          <Button type="submit" className="primary" busy={grant.isPending}>
            Add
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function Dentists({ clinicId }: { clinicId: string }) {
  const dentists = useDentists(clinicId)
  const [isAdding, setAdding] = useState(false)
  const refresh = () => void dentists.refetch()
  return (
    <section className="card panel-card">
      <div className="spread">
        <h2>Dentists</h2>
        <Button className="small" onClick={() => setAdding(true)}>
          <Plus size={16} /> New
        </Button>
      </div>
      {!dentists.data && <Skeleton height={180} />}
      <ul className="rows">
        {dentists.data?.map((dentist) => (
          <DentistRow key={dentist.id} dentist={dentist} onChanged={refresh} />
        ))}
      </ul>
      {isAdding && <DentistDialog clinicId={clinicId} onClose={() => setAdding(false)} onAdded={refresh} />}
    </section>
  )
}

interface DentistRowProps {
  dentist: { id: string; full_name: string; specialty: string | null; is_active: boolean }
  onChanged(): void
}

function DentistRow({ dentist, onChanged }: DentistRowProps) {
  const client = useChairtime()
  const toggle = useMutation({
    mutationFn: () => client.rpc('update_dentist', { dentist_id: dentist.id, is_active: !dentist.is_active }),
    onSettled: onChanged,
  })
  return (
    <li className="person-row">
      <Avatar name={dentist.full_name} />
      <div className="grow">
        <strong className="clip">{dentist.full_name}</strong>
        <p className="muted small-text clip">{dentist.specialty ?? 'Dentist'}</p>
      </div>
      <span className={dentist.is_active ? 'badge fulfilled' : 'badge'}>
        {dentist.is_active ? 'Bookable' : 'Paused'}
      </span>
      <Button className="small quiet" busy={toggle.isPending} onClick={() => toggle.mutate()}>
        {dentist.is_active ? 'Pause' : 'Resume'}
      </Button>
      <ErrorNotice error={toggle.error} />
    </li>
  )
}

function DentistDialog({ clinicId, onClose, onAdded }: AddProps) {
  const client = useChairtime()
  const create = useMutation({
    mutationFn: (form: FormData) =>
      client.rpc('create_dentist', {
        clinic_id: clinicId,
        full_name: String(form.get('full_name')),
        ...(form.get('specialty') ? { specialty: String(form.get('specialty')) } : {}),
      }),
    onSuccess: () => {
      onAdded()
      onClose()
    },
  })
  return (
    <Dialog title="New dentist" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate(new FormData(event.currentTarget))
        }}
      >
        <label className="field">
          <span>Full name</span>
          <input className="input" name="full_name" required maxLength={200} />
        </label>
        <label className="field">
          <span>Specialty</span>
          <input className="input" name="specialty" maxLength={200} placeholder="Optional" />
        </label>
        <ErrorNotice error={create.error} />
        <div className="actions">
          <Button type="submit" className="primary" busy={create.isPending}>
            Create
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
