import { Search, UserPlus } from 'lucide-react'
import { type KeyboardEvent, useId, useState } from 'react'
import { type Clinic, type FoundPatient, usePatientSearch } from '../../../chairtime'
import { ErrorNotice } from '../../ui/parts'
import { FoundPerson } from './FoundPerson'

interface Props {
  clinic: Clinic
  /** Set for a dentist, who finds their own patients. */
  dentistId: string | null
  /** Somebody who is not looked for. */
  without?: string
  onPick(patient: FoundPatient): void
  /** Left out where nobody new is wanted. */
  onNew?(typed: string): void
}

const FOUND = 8

/** A field to type any part of a patient into, and who fits; the arrows choose, Enter takes. */
export function Finder({ clinic, dentistId, without, onPick, onNew }: Props) {
  const id = useId()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const { found, isCurrent, error } = usePatientSearch({ clinicId: clinic.id, text, max: FOUND, dentistId })
  const patients = found?.filter((patient) => patient.id !== without) ?? []
  const typed = text.trim()
  const hasNew = onNew !== undefined && typed !== ''
  const count = patients.length + (hasNew ? 1 : 0)
  const active = Math.min(at, count - 1)
  const take = (index: number) => {
    const patient = patients[index]
    if (patient) onPick(patient)
    else if (hasNew) onNew(typed)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step && count > 0) setAt((active + step + count) % count)
    // Enter takes what is in sight for what is typed, never what an earlier word has found.
    else if (event.key === 'Enter' && isCurrent) take(active)
    else if (event.key !== 'Enter') return
    event.preventDefault()
  }
  const optionProps = (index: number) => ({
    id: `${id}-${index}`,
    role: 'option' as const,
    tabIndex: -1,
    'aria-selected': index === active,
    onMouseDown: (event: React.MouseEvent) => event.preventDefault(),
    onClick: () => take(index),
  })
  return (
    <div className="finder">
      <span className="search">
        <Search size={16} aria-hidden="true" />
        <input
          className="input"
          // Not a search field: in one of those Escape clears, and does not close.
          type="text"
          enterKeyHint="search"
          role="combobox"
          aria-label="Name, phone, birth date or email"
          aria-expanded={count > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={count > 0 ? `${id}-${active}` : undefined}
          placeholder="Name, phone, birth date (1984-02-29) or email"
          autoComplete="off"
          autoFocus
          maxLength={200}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
        />
      </span>
      <ErrorNotice error={error} />
      <div
        id={`${id}-list`}
        role="listbox"
        aria-label="Patients"
        className="finder-list"
        data-current={isCurrent}
      >
        {patients.map((patient, index) => (
          <div key={patient.id} {...optionProps(index)}>
            <FoundPerson patient={patient} zone={clinic.time_zone} />
          </div>
        ))}
        {hasNew && (
          <div key="new" {...optionProps(patients.length)}>
            <span className="found">
              <span className="avatar small guest">
                <UserPlus size={14} aria-hidden="true" />
              </span>
              <span className="clip">New patient “{typed}”</span>
            </span>
          </div>
        )}
      </div>
      <p className="muted small-text" role="status">
        {typed === ''
          ? 'Any part will do, in any order.'
          : !isCurrent
            ? !error && 'Looking…'
            : patients.length === 0
              ? 'Nobody fits.'
              : `${patients.length === FOUND ? 'The first ' : ''}${patients.length} found.`}
      </p>
    </div>
  )
}
