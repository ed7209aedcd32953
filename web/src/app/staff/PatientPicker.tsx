import { useQuery } from '@tanstack/react-query'
import { Search, UserPlus } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { type Patient, useChairtime } from '../../chairtime'
import { Avatar, Button } from '../ui/parts'

/** Whom an appointment is for: somebody the clinic knows, or somebody who has just walked in. */
export type Who = { kind: 'known'; patient: Patient } | { kind: 'new'; name: string; phone: string } | null

interface PickerProps {
  clinicId: string
  who: Who
  onPick(who: Who): void
}

const FOUND = 6

/** Finds a patient by name, or takes down a new one. */
export function PatientPicker({ clinicId, who, onPick }: PickerProps) {
  const client = useChairtime()
  const [text, setText] = useState('')
  const searched = useDeferredValue(text.trim())
  const { data: patients } = useQuery({
    queryKey: ['patients', clinicId, searched],
    staleTime: 0,
    queryFn: () =>
      client.rows('patients', (rows) =>
        rows
          .eq('clinic_id', clinicId)
          .ilike('full_name', `%${escaped(searched)}%`)
          .order('full_name')
          .limit(FOUND),
      ),
  })
  if (who?.kind === 'known') return <Chosen patient={who.patient} onClear={() => onPick(null)} />
  if (who?.kind === 'new') return <WalkIn who={who} onPick={onPick} />
  return (
    <div className="picker">
      <label className="field">
        <span>Patient</span>
        <span className="search">
          <Search size={16} aria-hidden="true" />
          <input
            className="input"
            type="search"
            value={text}
            placeholder="Name"
            autoComplete="off"
            autoFocus
            onChange={(event) => setText(event.target.value)}
          />
        </span>
      </label>
      <ul aria-label="Patients" className="picker-list">
        {patients?.map((patient) => (
          <li key={patient.id}>
            <button type="button" onClick={() => onPick({ kind: 'known', patient })}>
              <Avatar name={patient.full_name} small />
              <span className="clip">{patient.full_name}</span>
              <small className="clip muted">{patient.phone ?? patient.email}</small>
            </button>
          </li>
        ))}
        <li>
          <button type="button" onClick={() => onPick({ kind: 'new', name: text.trim(), phone: '' })}>
            <span className="avatar small guest">
              <UserPlus size={14} aria-hidden="true" />
            </span>
            <span className="clip">{searched ? `New patient “${searched}”` : 'Somebody new'}</span>
          </button>
        </li>
      </ul>
    </div>
  )
}

function Chosen({ patient, onClear }: { patient: Patient; onClear(): void }) {
  return (
    <div className="chosen">
      <Avatar name={patient.full_name} />
      <div className="option-text clip">
        <strong className="clip">{patient.full_name}</strong>
        <small className="muted clip">{patient.phone ?? patient.email ?? 'No phone number'}</small>
      </div>
      <Button className="small quiet" onClick={onClear}>
        Change
      </Button>
    </div>
  )
}

function WalkIn({
  who,
  onPick,
}: {
  who: { kind: 'new'; name: string; phone: string }
  onPick(who: Who): void
}) {
  return (
    <fieldset className="stack">
      <legend className="sr-only">New patient</legend>
      <div className="cols">
        <label className="field">
          <span>Name</span>
          <input
            className="input"
            required
            maxLength={200}
            autoFocus
            value={who.name}
            onChange={(event) => onPick({ ...who, name: event.target.value })}
          />
        </label>
        <label className="field">
          <span>Phone</span>
          <input
            className="input"
            type="tel"
            maxLength={40}
            value={who.phone}
            placeholder="Optional"
            onChange={(event) => onPick({ ...who, phone: event.target.value })}
          />
        </label>
      </div>
      <Button className="small quiet" onClick={() => onPick(null)}>
        Search patients instead
      </Button>
    </fieldset>
  )
}

/** `%` and `_` are wildcards in a pattern, and people's names may contain neither by accident. */
function escaped(text: string): string {
  return text.replace(/[\\%_*]/g, '\\$&')
}
