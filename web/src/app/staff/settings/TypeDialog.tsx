import { useState } from 'react'
import type { AppointmentType, Clinic, Dentist, TypePart } from '../../../chairtime'
import { professionNames } from '../../words'
import { Dialog } from '../../ui/Dialog'
import { FormError, SelectField, SpanField, TextField } from '../../ui/fields'
import { Button } from '../../ui/parts'
import { audiences } from './audiences'
import { asDraft } from './drafts'
import { PartsEditor } from './PartsEditor'
import { fields, useSaveType } from './useSaveType'

interface Props {
  clinic: Clinic
  /** Null: a new one. */
  type: AppointmentType | null
  parts: TypePart[]
  dentists: Dentist[]
  leaderIds: string[]
  onChanged(): void
  onClose(): void
}

/** One kind of visit. What is booked already stays as it is. */
export function TypeDialog({ clinic, type, parts, dentists, leaderIds, onChanged, onClose }: Props) {
  const [drafts, setDrafts] = useState(() => parts.map(asDraft))
  const save = useSaveType(clinic, type, onChanged, onClose)
  const { error } = save
  return (
    <Dialog title={type ? type.name : 'New kind of visit'} wide onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          save.mutate({ form, leaderIds: form.getAll('leader').map(String), parts: drafts })
        }}
      >
        <div className="fields">
          <TextField
            label="Name"
            name="name"
            error={error}
            required
            maxLength={200}
            defaultValue={type?.name}
          />
          <SelectField
            label="For whom"
            name="audience"
            error={error}
            defaultValue={type?.audience ?? 'everyone'}
            options={audiences}
          />
          <SpanField label="Length" name="duration" error={error} value={type?.duration ?? '00:30:00'} />
          <SpanField
            label="Free before"
            name="buffer_before"
            error={error}
            value={zeroAsNull(type?.buffer_before)}
            otherwise="0"
          />
          <SpanField
            label="Free after"
            name="buffer_after"
            error={error}
            value={zeroAsNull(type?.buffer_after)}
            otherwise="0"
          />
          <TextField
            label="At most a day"
            name="max_per_day"
            error={error}
            hint="For each who leads it."
            type="number"
            min={1}
            placeholder="Any number"
            defaultValue={type?.max_per_day ?? ''}
          />
          {rules.map(({ name, label }) => (
            <SpanField
              key={name}
              label={label}
              name={name}
              error={error}
              value={type?.[name] ?? null}
              otherwise="As the clinic"
            />
          ))}
        </div>
        <fieldset className="stack">
          <legend className="label">Who leads it</legend>
          <div className="checks">
            {dentists.map(({ id, full_name, profession }) => (
              <label key={id}>
                <input type="checkbox" name="leader" value={id} defaultChecked={leaderIds.includes(id)} />
                {full_name} <span className="muted small-text">{professionNames[profession]}</span>
              </label>
            ))}
          </div>
        </fieldset>
        <PartsEditor clinicId={clinic.id} parts={drafts} onEdit={setDrafts} />
        <FormError error={error} names={fields} />
        <div className="actions stays">
          <Button className="quiet" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" className="primary" busy={save.isPending}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

const rules = [
  { name: 'min_notice', label: 'Booked at the latest, before' },
  { name: 'booking_horizon', label: 'Booked at the earliest, ahead' },
  { name: 'slot_interval', label: 'Can start every' },
] as const

function zeroAsNull(span: string | undefined): string | null {
  return span === undefined || span === '00:00:00' ? null : span
}
