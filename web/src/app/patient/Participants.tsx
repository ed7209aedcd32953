import { UserPlus } from 'lucide-react'
import type { AppointmentType } from '../../chairtime'
import { Avatar, Button } from '../ui/parts'

export interface Person {
  /** The patient; null: whoever is signed in, who may have no record yet. */
  id: string | null
  name: string
}

/** Somebody who comes, and for what. */
export interface Coming {
  person: Person
  type: AppointmentType
}

interface Props {
  people: Person[]
  types: AppointmentType[]
  typeOf(person: Person): AppointmentType | undefined
  onChange(person: Person, typeId: string): void
  onAdd(): void
}

/** Who comes, and for what. */
export function Participants({ people, types, typeOf, onChange, onAdd }: Props) {
  return (
    <fieldset className="options">
      <legend>Who comes, and for what?</legend>
      <div className="stack">
        {people.map((person) => (
          <label key={person.id ?? 'me'} className="participant">
            <Avatar name={person.name} small />
            <span className="clip">{person.name}</span>
            <select
              className="input small"
              value={typeOf(person)?.id ?? ''}
              aria-label={`Visit of ${person.name}`}
              onChange={(event) => onChange(person, event.target.value)}
            >
              <option value="">Not this time</option>
              {types.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        ))}
        <Button className="small quiet" onClick={onAdd}>
          <UserPlus size={15} /> Somebody else
        </Button>
      </div>
    </fieldset>
  )
}
