import { Check, Users } from 'lucide-react'
import { type AppointmentType, type Clinic, type Dentist, intervalMs } from '../../chairtime'
import { duration } from '../format'
import { professionNames } from '../words'
import { Avatar } from '../ui/parts'
import { changeRule } from './rules'
import { WhoFor } from './WhoFor'

export interface ChoicesProps {
  clinics: Clinic[]
  clinic: Clinic
  types: AppointmentType[]
  type: AppointmentType | undefined
  dentists: Dentist[]
  dentistId: string | null
  isMoving: boolean
  /** For whom; null: oneself. */
  patientId: string | null
  /** There are visits for those whom the clinic knows, and nobody is signed in. */
  hasMoreForKnown: boolean
  choose(changes: Record<string, string | null>): void
}

/** Where, what, with whom. An appointment that is moved keeps its clinic and its type. */
export function Choices({
  clinics,
  clinic,
  types,
  type,
  dentists,
  dentistId,
  isMoving,
  patientId,
  hasMoreForKnown,
  choose,
}: ChoicesProps) {
  return (
    <aside className="choices" aria-label="Your visit">
      <label className="field">
        <span>Clinic</span>
        <select
          className="input"
          value={clinic.slug}
          disabled={isMoving}
          onChange={(event) =>
            choose({ clinic: event.target.value, type: null, dentist: null, from: null, for: null })
          }
        >
          {clinics.map(({ slug, name }) => (
            <option key={slug} value={slug}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {!isMoving && types.length > 0 && (
        <WhoFor clinic={clinic} patientId={patientId} onChoose={(id) => choose({ for: id })} />
      )}
      {!isMoving && types.length > 0 && (
        <fieldset className="options">
          <legend>Visit</legend>
          <div className="option-list">
            {types.map((option) => (
              <label key={option.id} className="option">
                <input
                  type="radio"
                  name="type"
                  checked={option.id === type?.id}
                  onChange={() => choose({ type: option.id })}
                />
                <span className="clip">{option.name}</span>
                <span className="num muted">{duration(intervalMs(option.duration))}</span>
              </label>
            ))}
          </div>
          {hasMoreForKnown && (
            <p className="muted small-text">Sign in to see also what is for patients of the clinic.</p>
          )}
        </fieldset>
      )}
      {dentists.length > 0 && (
        <fieldset className="options">
          <legend>With</legend>
          <div className="option-list">
            <label className="option person">
              <input
                type="radio"
                name="dentist"
                checked={dentistId === null}
                onChange={() => choose({ dentist: 'any' })}
              />
              <span className="avatar any">
                <Users size={17} aria-hidden="true" />
              </span>
              <span className="option-text">
                <span>Anybody</span>
                <small>The most free times</small>
              </span>
              <Check size={17} className="tick" aria-hidden="true" />
            </label>
            {dentists.map((dentist) => (
              <label key={dentist.id} className="option person">
                <input
                  type="radio"
                  name="dentist"
                  checked={dentistId === dentist.id}
                  onChange={() => choose({ dentist: dentist.id })}
                />
                <Avatar name={dentist.full_name} />
                <span className="option-text">
                  <span className="clip">{dentist.full_name}</span>
                  <small className="clip">{dentist.specialty ?? professionNames[dentist.profession]}</small>
                </span>
                <Check size={17} className="tick" aria-hidden="true" />
              </label>
            ))}
          </div>
        </fieldset>
      )}
      {!isMoving && types.length > 0 && <p className="muted small-text">{changeRule(clinic)}</p>}
    </aside>
  )
}
