import { Search, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { type Clinic, type Patient, usePatientSearch } from '../../chairtime'
import { shortDay, today } from '../format'
import { Avatar, Button } from '../ui/parts'
import { FoundPerson } from './patients/FoundPerson'

/** What one must know of somebody to book for them. */
export type KnownPatient = Pick<Patient, 'id' | 'full_name' | 'phone' | 'email' | 'birth_date'>

/** Whom an appointment is for: somebody the clinic knows, or somebody who has just walked in. */
export type Who =
  | { kind: 'known'; patient: KnownPatient }
  | { kind: 'new'; name: string; phone: string; birthDate: string }
  | null

interface PickerProps {
  clinic: Clinic
  who: Who
  /** Set for a dentist, who finds their own patients. */
  dentistId: string | null
  onPick(who: Who): void
}

const FOUND = 6

/** Finds a patient by any part, or takes down a new one. */
export function PatientPicker({ clinic, who, dentistId, onPick }: PickerProps) {
  const [text, setText] = useState('')
  const typed = text.trim()
  const { found } = usePatientSearch({ clinicId: clinic.id, text, max: FOUND, dentistId })
  if (who?.kind === 'known') return <Chosen patient={who.patient} onClear={() => onPick(null)} />
  if (who?.kind === 'new') return <WalkIn who={who} clinic={clinic} onPick={onPick} />
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
            placeholder="Name, phone, birth date or email"
            autoComplete="off"
            autoFocus
            onChange={(event) => setText(event.target.value)}
          />
        </span>
      </label>
      <ul aria-label="Patients" className="picker-list">
        {found?.map((patient) => (
          <li key={patient.id}>
            <button type="button" onClick={() => onPick({ kind: 'known', patient })}>
              <FoundPerson patient={patient} zone={clinic.time_zone} />
            </button>
          </li>
        ))}
        <li>
          <button
            type="button"
            onClick={() => onPick({ kind: 'new', name: typed, phone: '', birthDate: '' })}
          >
            <span className="avatar small guest">
              <UserPlus size={14} aria-hidden="true" />
            </span>
            <span className="clip">{typed ? `New patient “${typed}”` : 'Somebody new'}</span>
          </button>
        </li>
      </ul>
    </div>
  )
}

function Chosen({ patient, onClear }: { patient: KnownPatient; onClear(): void }) {
  return (
    <div className="chosen">
      <Avatar name={patient.full_name} />
      <div className="option-text clip">
        <strong className="clip">{patient.full_name}</strong>
        <small className="muted clip num">
          {patient.birth_date && `born ${shortDay(patient.birth_date)}, `}
          {patient.phone ?? patient.email ?? 'no phone number'}
        </small>
      </div>
      <Button className="small quiet" onClick={onClear}>
        Change
      </Button>
    </div>
  )
}

interface WalkInProps {
  who: Extract<Who, { kind: 'new' }>
  clinic: Clinic
  onPick(who: Who): void
}

function WalkIn({ who, clinic, onPick }: WalkInProps) {
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
        <label className="field">
          <span>Birth date</span>
          <input
            className="input"
            type="date"
            max={today(clinic.time_zone)}
            value={who.birthDate}
            onChange={(event) => onPick({ ...who, birthDate: event.target.value })}
          />
        </label>
      </div>
      <Button className="small quiet" onClick={() => onPick(null)}>
        Search patients instead
      </Button>
    </fieldset>
  )
}
