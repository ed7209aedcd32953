import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { type Clinic, type Dentist, useChairtime } from '../../chairtime'
import { useDentists } from '../data'
import { Dialog } from '../ui/Dialog'
import { SelectField } from '../ui/fields'
import { Avatar, Button, ErrorNotice, Skeleton } from '../ui/parts'
import { professionNames } from '../words'
import { InTheWay } from './InTheWay'

const professions = Object.entries(professionNames).map(([value, label]) => ({ value, label }))

/** The dentists who can be booked, or could be. */
export function Dentists({ clinic }: { clinic: Clinic }) {
  const dentists = useDentists(clinic.id)
  const [isAdding, setAdding] = useState(false)
  const queries = useQueryClient()
  const refresh = () => {
    void dentists.refetch()
    // Who is new leads what fits.
    for (const key of ['dentist types', 'resources'])
      void queries.invalidateQueries({ queryKey: [key, clinic.id] })
  }
  return (
    <section className="card panel-card">
      <div className="spread">
        <h2>Dentists</h2>
        <Button className="small" onClick={() => setAdding(true)}>
          <Plus size={16} /> New
        </Button>
      </div>
      <ErrorNotice error={dentists.error} retry={refresh} />
      {!dentists.data && !dentists.error && <Skeleton height={180} />}
      <ul className="rows">
        {dentists.data?.map((dentist) => (
          <DentistRow key={dentist.id} dentist={dentist} clinic={clinic} onChanged={refresh} />
        ))}
      </ul>
      {isAdding && <DentistDialog clinicId={clinic.id} onClose={() => setAdding(false)} onAdded={refresh} />}
    </section>
  )
}

interface DentistRowProps {
  dentist: Dentist
  clinic: Clinic
  onChanged(): void
}

function DentistRow({ dentist, clinic, onChanged }: DentistRowProps) {
  const client = useChairtime()
  const toggle = useMutation({
    mutationFn: (on_conflict: 'reject' | 'keep') =>
      client.rpc('update_dentist', {
        dentist_id: dentist.id,
        clinic_id: clinic.id,
        is_active: !dentist.is_active,
        on_conflict,
      }),
    onSettled: onChanged,
  })
  return (
    <li className="person-row">
      <Avatar name={dentist.full_name} />
      <div className="grow">
        <strong className="clip">{dentist.full_name}</strong>
        <p className="muted small-text clip">{dentist.specialty ?? professionNames[dentist.profession]}</p>
      </div>
      <span className={dentist.is_active ? 'badge fulfilled' : 'badge'}>
        {dentist.is_active ? 'Bookable' : 'Paused'}
      </span>
      <Button className="small quiet" busy={toggle.isPending} onClick={() => toggle.mutate('reject')}>
        {dentist.is_active ? 'Pause' : 'Resume'}
      </Button>
      <InTheWay
        error={toggle.error}
        zone={clinic.time_zone}
        label="Pause, and keep them"
        busy={toggle.isPending}
        onKeep={() => toggle.mutate('keep')}
      />
    </li>
  )
}

interface DialogProps {
  clinicId: string
  onClose(): void
  onAdded(): void
}

function DentistDialog({ clinicId, onClose, onAdded }: DialogProps) {
  const client = useChairtime()
  const create = useMutation({
    mutationFn: (form: FormData) =>
      client.rpc('create_dentist', {
        clinic_id: clinicId,
        full_name: String(form.get('full_name')),
        profession: String(form.get('profession')),
        ...(form.get('specialty') ? { specialty: String(form.get('specialty')) } : {}),
      }),
    onSuccess: () => {
      onAdded()
      onClose()
    },
  })
  return (
    <Dialog title="New dentist, hygienist or assistant" onClose={onClose}>
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
        <SelectField label="Profession" name="profession" defaultValue="dentist" options={professions} />
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
