import { Check, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { type Clinic, useSession } from '../../chairtime'
import { useMe } from '../data'
import { Avatar, Button } from '../ui/parts'
import { AddDependant } from './AddDependant'

interface Props {
  clinic: Clinic
  /** The patient that is chosen; null: oneself. */
  patientId: string | null
  onChoose(patientId: string | null): void
}

/** For whom the visit is: oneself, or somebody whom one acts for at this clinic. */
export function WhoFor({ clinic, patientId, onChoose }: Props) {
  const isGuest = useSession()?.user.is_anonymous
  const { data: me } = useMe()
  const [isAdding, setAdding] = useState(false)
  if (!me || isGuest) return null
  const family = me.dependants.filter(({ clinic_id }) => clinic_id === clinic.id)
  return (
    <fieldset className="options">
      <legend>For</legend>
      {family.length > 0 && (
        <div className="option-list">
          <Person name="Myself" isChosen={patientId === null} onChoose={() => onChoose(null)} />
          {family.map((each) => (
            <Person
              key={each.patient_id}
              name={each.full_name}
              isChosen={each.patient_id === patientId}
              onChoose={() => onChoose(each.patient_id)}
            />
          ))}
        </div>
      )}
      <div className="toolbar">
        <Button className="small quiet" onClick={() => setAdding(true)}>
          <UserPlus size={15} /> {family.length > 0 ? 'Somebody else' : 'For a child, or somebody else'}
        </Button>
        {family.length > 0 && (
          <Link href={`/book/family?clinic=${clinic.slug}`} className="btn small quiet">
            Several of you
          </Link>
        )}
      </div>
      {isAdding && (
        <AddDependant
          clinics={[clinic]}
          onClose={() => setAdding(false)}
          onAdded={(id) => {
            setAdding(false)
            onChoose(id)
          }}
        />
      )}
    </fieldset>
  )
}

function Person({ name, isChosen, onChoose }: { name: string; isChosen: boolean; onChoose(): void }) {
  return (
    <label className="option person">
      <input type="radio" name="for" checked={isChosen} onChange={onChoose} />
      <Avatar name={name} small />
      <span className="option-text">
        <span className="clip">{name}</span>
      </span>
      <Check size={17} className="tick" aria-hidden="true" />
    </label>
  )
}
