import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Pencil, Plus } from 'lucide-react'
import { useState } from 'react'
import {
  type AppointmentType,
  type Clinic,
  intervalMs,
  type Resource,
  type TypePart,
  useChairtime,
} from '../../../chairtime'
import { leadersOf, useAppointmentTypes, useDentists, useDentistTypes, useResources } from '../../data'
import { duration } from '../../format'
import { Button, ErrorNotice, Skeleton } from '../../ui/parts'
import { InTheWay } from '../InTheWay'
import { needNames } from '../roles'
import { audiences } from './audiences'
import { TypeDialog } from './TypeDialog'

/** The kinds of visit: for whom, how long, by which rules, who leads them, and what else they need. */
export function VisitTypes({ clinic }: { clinic: Clinic }) {
  const client = useChairtime()
  const queries = useQueryClient()
  const types = useAppointmentTypes(clinic.id)
  const dentists = useDentists(clinic.id)
  const offers = useDentistTypes(clinic.id)
  const resources = useResources(clinic.id)
  const parts = useQuery({
    queryKey: ['type parts', clinic.id],
    queryFn: () => client.rows('type_parts', (rows) => rows.eq('clinic_id', clinic.id).order('part')),
  })
  const [edited, setEdited] = useState<AppointmentType | 'new' | null>(null)
  const error = types.error ?? dentists.error ?? offers.error ?? resources.error ?? parts.error
  const refresh = () => {
    for (const key of ['appointment types', 'dentist types', 'type parts']) {
      void queries.invalidateQueries({ queryKey: [key, clinic.id] })
    }
  }
  const isReady = types.data && dentists.data && offers.data && resources.data && parts.data
  return (
    <section className="card panel-card" aria-label="Visits">
      <div className="spread">
        <h2>Kinds of visit</h2>
        <Button className="small" onClick={() => setEdited('new')} disabled={!isReady}>
          <Plus size={16} /> New
        </Button>
      </div>
      <ErrorNotice error={error} retry={refresh} />
      {!isReady && !error && <Skeleton height={240} />}
      {isReady && (
        <ul className="rows">
          {types.data.map((type) => (
            <TypeRow
              key={type.id}
              type={type}
              zone={clinic.time_zone}
              parts={parts.data.filter(({ appointment_type_id }) => appointment_type_id === type.id)}
              resources={resources.data}
              leaders={leadersOf(dentists.data, offers.data, type.id).map(({ full_name }) => full_name)}
              onEdit={() => setEdited(type)}
              onChanged={refresh}
            />
          ))}
        </ul>
      )}
      {edited !== null && isReady && (
        <TypeDialog
          clinic={clinic}
          type={edited === 'new' ? null : edited}
          parts={edited === 'new' ? [] : parts.data.filter((part) => part.appointment_type_id === edited.id)}
          dentists={dentists.data.filter(({ is_active }) => is_active)}
          leaderIds={
            edited === 'new'
              ? dentists.data
                  .filter(({ is_active, profession }) => is_active && profession === 'dentist')
                  .map(({ id }) => id)
              : leadersOf(dentists.data, offers.data, edited.id).map(({ id }) => id)
          }
          onChanged={refresh}
          onClose={() => setEdited(null)}
        />
      )}
    </section>
  )
}

interface RowProps {
  type: AppointmentType
  zone: string
  parts: TypePart[]
  resources: Resource[]
  leaders: string[]
  onEdit(): void
  onChanged(): void
}

function TypeRow({ type, zone, parts, resources, leaders, onEdit, onChanged }: RowProps) {
  const client = useChairtime()
  const toggle = useMutation({
    mutationFn: (on_conflict: 'reject' | 'keep') =>
      client.rpc('update_appointment_type', {
        appointment_type_id: type.id,
        is_active: !type.is_active,
        on_conflict,
      }),
    onSettled: onChanged,
  })
  const needs = parts
    .filter(({ needs }) => needs !== 'leader')
    .map(({ needs, only_resources }) => {
      const only = resources.filter(({ id }) => only_resources?.includes(id)).map(({ name }) => name)
      return needNames[needs].toLowerCase() + (only.length > 0 ? ` (only ${only.join(', ')})` : '')
    })
  const facts = [
    duration(intervalMs(type.duration)),
    type.audience !== 'everyone' && audiences.find(({ value }) => value === type.audience)?.label,
    needs.length > 0 && `needs: ${needs.join(', ')}`,
    leaders.length > 0 ? `led by ${leaders.join(', ')}` : 'nobody leads it: it cannot be booked',
  ]
  return (
    <li className="person-row">
      <div className="grow">
        <strong className="clip">{type.name}</strong>
        <p className="muted small-text">{facts.filter(Boolean).join(' · ')}</p>
      </div>
      <span className={type.is_active ? 'badge fulfilled' : 'badge'}>
        {type.is_active ? 'Offered' : 'Not offered'}
      </span>
      <Button className="icon small quiet" aria-label={`Edit ${type.name}`} onClick={onEdit}>
        <Pencil size={15} />
      </Button>
      <Button
        className="small quiet"
        aria-label={`${type.is_active ? 'Stop' : 'Offer again'}: ${type.name}`}
        busy={toggle.isPending}
        onClick={() => toggle.mutate('reject')}
      >
        {type.is_active ? 'Stop' : 'Offer again'}
      </Button>
      <InTheWay
        error={toggle.error}
        zone={zone}
        label="Stop offering it, and keep them"
        busy={toggle.isPending}
        onKeep={() => toggle.mutate('keep')}
      />
    </li>
  )
}
