import { useMutation } from '@tanstack/react-query'
import { type Clinic, type Resource, useChairtime } from '../../../chairtime'
import { useResources } from '../../data'
import { FormError, SelectField, TextField } from '../../ui/fields'
import { Button, ErrorNotice, Skeleton } from '../../ui/parts'
import { InTheWay } from '../InTheWay'
import { Rename } from './Rename'

const kinds = [
  { value: 'chair', label: 'Chair' },
  { value: 'equipment', label: 'Equipment' },
] as const

/** What visits take beside people: chairs, and equipment that they wait for. */
export function Rooms({ clinic }: { clinic: Clinic }) {
  const resources = useResources(clinic.id)
  const refresh = () => void resources.refetch()
  const rooms = resources.data?.filter(({ kind }) => kind !== 'practitioner')
  return (
    <div className="panels">
      <section className="card panel-card" aria-label="Chairs and equipment">
        <h2>Chairs and equipment</h2>
        <ErrorNotice error={resources.error} retry={refresh} />
        {!rooms && !resources.error && <Skeleton height={140} />}
        {rooms?.length === 0 && <p className="muted">None yet: visits take people only.</p>}
        <ul className="rows">
          {rooms?.map((room) => (
            <Room key={room.id} room={room} zone={clinic.time_zone} onChanged={refresh} />
          ))}
        </ul>
      </section>
      <NewRoom clinic={clinic} onAdded={refresh} />
    </div>
  )
}

function Room({ room, zone, onChanged }: { room: Resource; zone: string; onChanged(): void }) {
  const client = useChairtime()
  const toggle = useMutation({
    mutationFn: (on_conflict: 'reject' | 'keep') =>
      client.rpc('update_resource', { resource_id: room.id, is_active: !room.is_active, on_conflict }),
    onSettled: onChanged,
  })
  return (
    <li className="person-row">
      <Rename
        name={room.name}
        note={room.kind === 'chair' ? 'Chair' : 'Equipment'}
        send={(name) => client.rpc('update_resource', { resource_id: room.id, name })}
        onChanged={onChanged}
      />
      <span className={room.is_active ? 'badge fulfilled' : 'badge'}>
        {room.is_active ? 'In use' : 'Out of use'}
      </span>
      <Button
        className="small quiet"
        aria-label={`${room.is_active ? 'Take out of use' : 'Use again'}: ${room.name}`}
        busy={toggle.isPending}
        onClick={() => toggle.mutate('reject')}
      >
        {room.is_active ? 'Take out of use' : 'Use again'}
      </Button>
      <InTheWay
        error={toggle.error}
        zone={zone}
        label="Take it out of use, and keep them"
        busy={toggle.isPending}
        onKeep={() => toggle.mutate('keep')}
      />
    </li>
  )
}

function NewRoom({ clinic, onAdded }: { clinic: Clinic; onAdded(): void }) {
  const client = useChairtime()
  const create = useMutation({
    mutationFn: ({ form }: { form: FormData; element: HTMLFormElement }) =>
      client.rpc('create_resource', {
        clinic_id: clinic.id,
        name: String(form.get('name')),
        kind: String(form.get('kind')),
      }),
    onSuccess: (_room, { element }) => {
      element.reset()
      onAdded()
    },
  })
  return (
    <form
      className="card panel-card"
      aria-label="New chair or device"
      onSubmit={(event) => {
        event.preventDefault()
        create.mutate({ form: new FormData(event.currentTarget), element: event.currentTarget })
      }}
    >
      <h2>Add one</h2>
      <div className="cols">
        <TextField label="Name" name="name" error={create.error} required maxLength={200} />
        <SelectField label="Kind" name="kind" error={create.error} defaultValue="chair" options={kinds} />
      </div>
      <FormError error={create.error} names={['name', 'kind']} />
      <div className="toolbar">
        <Button type="submit" className="primary" busy={create.isPending}>
          Add
        </Button>
      </div>
    </form>
  )
}
