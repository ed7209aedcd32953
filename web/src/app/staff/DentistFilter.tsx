import { UsersRound } from 'lucide-react'
import { useId } from 'react'
import type { DayDentist } from '../../chairtime'
import { Avatar, Button } from '../ui/parts'

interface Props {
  dentists: DayDentist[]
  chosen: DayDentist[]
  onChoose(ids: string[]): void
}

/** Whose day is shown: everybody's, or that of some. */
export function DentistFilter({ dentists, chosen, onChoose }: Props) {
  const id = useId()
  if (dentists.length < 2) return null
  const isAll = chosen.length === dentists.length
  const isChosen = (dentist: DayDentist) => chosen.includes(dentist)
  const toggle = (dentist: DayDentist) => {
    const next = dentists.filter((each) => (each === dentist ? !isChosen(each) : isChosen(each)))
    onChoose(next.length === dentists.length ? [] : next.map(({ dentist_id }) => dentist_id))
  }
  return (
    <div className="filter">
      <button type="button" className="btn" popoverTarget={id}>
        <UsersRound size={16} aria-hidden="true" />
        {isAll ? 'All dentists' : `${chosen.length} of ${dentists.length}`}
      </button>
      <div id={id} popover="auto" className="menu filter-menu" role="group" aria-label="Whose day is shown">
        <ul>
          {dentists.map((dentist) => (
            <li key={dentist.dentist_id}>
              <label>
                <input
                  type="checkbox"
                  checked={isChosen(dentist)}
                  disabled={isChosen(dentist) && chosen.length === 1}
                  onChange={() => toggle(dentist)}
                />
                <Avatar name={dentist.full_name} small />
                <span className="clip">{dentist.full_name}</span>
              </label>
              <Button
                className="small quiet"
                aria-label={`Only ${dentist.full_name}`}
                onClick={() => onChoose([dentist.dentist_id])}
              >
                Only
              </Button>
            </li>
          ))}
        </ul>
        <Button className="small" disabled={isAll} onClick={() => onChoose([])}>
          Everybody
        </Button>
      </div>
    </div>
  )
}
