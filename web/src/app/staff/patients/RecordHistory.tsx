import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { patientKey, useChairtime, type ViewRow } from '../../../chairtime'
import { fullTime } from '../../format'
import { ErrorNotice } from '../../ui/parts'
import { roleNames } from '../roles'
import type { PartProps } from './PatientPage'

type Entry = ViewRow<'audit_log'>

const SHOWN = 50
const columnNames: { [column: string]: string } = {
  full_name: 'name',
  phone: 'phone',
  email: 'email',
  birth_date: 'birth date',
  staff_notes: 'staff notes',
  user_id: 'login',
}

/** Who changed what in the record, the latest first. */
export function RecordHistory({ patient, clinic }: PartProps) {
  const client = useChairtime()
  const [isOpen, setOpen] = useState(false)
  const { data, error, failureReason } = useQuery({
    queryKey: patientKey(patient.id, 'changes'),
    enabled: isOpen,
    queryFn: async () => {
      const [log, staff] = await Promise.all([
        client.rows('audit_log', (rows) =>
          rows
            .eq('entity_id', patient.id)
            .eq('clinic_id', clinic.id)
            .in('entity', ['patients', 'guardians'])
            .order('at', { ascending: false })
            .limit(SHOWN),
        ),
        client.rows('staff', (rows) => rows.eq('clinic_id', clinic.id)),
      ])
      return log.map((entry) => ({
        entry,
        who: staff.find(({ user_id }) => user_id === entry.actor)?.full_name ?? null,
      }))
    },
  })
  return (
    <details className="card panel-card" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Changes of the record</summary>
      <ErrorNotice error={error ?? failureReason} />
      <ol className="history" aria-label="Changes">
        {data?.map(({ entry, who }) => (
          <li key={entry.id}>
            <p>
              {whatOf(entry)} by {whoOf(entry, who, patient.user_id)}
            </p>
            <time className="small-text muted num" dateTime={entry.at}>
              {fullTime(entry.at, clinic.time_zone)}
            </time>
          </li>
        ))}
      </ol>
      {data?.length === 0 && <p className="muted small-text">Nothing is written down.</p>}
    </details>
  )
}

function whatOf({ entity, action, before, after }: Entry): string {
  if (entity === 'guardians') {
    return { insert: 'Guardian added', delete: 'Guardian ended' }[action] ?? 'Guardian changed'
  }
  if (action === 'insert') return 'Registered'
  const changed = Object.keys({ ...(before as object), ...(after as object) })
  const named = changed.flatMap((column) => columnNames[column] ?? [])
  if (named.length === 0) return 'Changed'
  const list = named.length === 1 ? named[0] : `${named.slice(0, -1).join(', ')} and ${named.at(-1)}`
  return `${(list as string)[0]?.toUpperCase()}${list?.slice(1)} changed`
}

function whoOf({ role, actor }: Entry, name: string | null, patientUser: string | null): string {
  if (actor !== null && actor === patientUser) return 'the patient'
  const as = roleNames[role as keyof typeof roleNames]
  if (name) return as ? `${name} (${as})` : name
  return (
    { patient: 'somebody with a login', guest: 'a guest', service: 'a connected system' }[role] ??
    as ??
    'Chairtime itself'
  )
}
