import type { Dentist } from '../../chairtime'
import { TextField } from '../ui/fields'
import { weekdayNames } from './words'

interface Props {
  dentists: Dentist[]
  /** With whom, to begin with; null: with anybody. */
  dentistId: string | null
  /** Days of the clinic's: the first and the last that can be waited for. */
  firstDay: string
  error: Error | null
}

/** On which days, when and with whom: what is left open is open. */
export function WishFields({ dentists, dentistId, firstDay, error }: Props) {
  return (
    <>
      <fieldset className="wish-days">
        <legend>
          Days <span className="muted">(none: any day)</span>
        </legend>
        <div className="ticks">
          {weekdayNames.map((name, index) => (
            <Tick key={name} name="weekdays" value={String(index + 1)} label={name.slice(0, 3)} full={name} />
          ))}
        </div>
      </fieldset>
      <div className="cols">
        <TextField label="Not before" name="from_time" type="time" error={error} />
        <TextField label="Over by" name="to_time" type="time" error={error} />
        <TextField label="From day" name="from_date" type="date" min={firstDay} error={error} />
        <TextField label="Until day" name="to_date" type="date" min={firstDay} error={error} />
      </div>
      {dentists.length > 1 && (
        <fieldset className="wish-days">
          <legend>
            With <span className="muted">(none: with anybody)</span>
          </legend>
          <div className="ticks">
            {dentists.map(({ id, full_name }) => (
              <Tick key={id} name="dentist_ids" value={id} label={full_name} isTicked={id === dentistId} />
            ))}
          </div>
        </fieldset>
      )}
    </>
  )
}

interface TickProps {
  name: string
  value: string
  label: string
  full?: string
  isTicked?: boolean
}

function Tick({ name, value, label, full, isTicked = false }: TickProps) {
  return (
    <label className="tick-chip">
      <input type="checkbox" name={name} value={value} defaultChecked={isTicked} aria-label={full} />
      <span>{label}</span>
    </label>
  )
}
