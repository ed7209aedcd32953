import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type Clinic, type Patient, useChairtime } from '../../../chairtime'
import { shortDay, today } from '../../format'
import { FormError, TextAreaField, TextField, useForm } from '../../ui/fields'
import { Button } from '../../ui/parts'
import { useToast, useUndo } from '../../ui/Toasts'

interface Props {
  patient: Patient
  clinic: Clinic
  mayEdit: boolean
  onSaved(): void
}

const names = ['full_name', 'birth_date', 'phone', 'email', 'staff_notes'] as const
type Said = { [name in (typeof names)[number]]?: string }

interface Edit {
  said: Said
  /** As it was when it was saved: with what a colleague may have changed while one was writing. */
  before: Patient
}

/** What the clinic knows of a patient. */
export function Record({ patient, clinic, mayEdit, onSaved }: Props) {
  return mayEdit ? (
    <RecordForm patient={patient} clinic={clinic} onSaved={onSaved} />
  ) : (
    <section className="card panel-card">
      <h2>Record</h2>
      <dl className="facts-list">
        <dt>Birth date</dt>
        <dd className="num">{patient.birth_date ? shortDay(patient.birth_date) : 'Not known'}</dd>
        <dt>Staff notes</dt>
        <dd>{patient.staff_notes ?? 'None'}</dd>
      </dl>
    </section>
  )
}

function RecordForm({ patient, clinic, onSaved }: Omit<Props, 'mayEdit'>) {
  const client = useChairtime()
  const say = useToast()
  const offerUndo = useUndo()
  // What the fields were filled with, and what the record says since: whoever writes on while it is saved, writes on.
  const [filled, setFilled] = useState(patient)
  const [shown, setShown] = useState(patient)
  const write = (said: Said) => client.rpc('update_patient', { patient_id: patient.id, ...said })
  const save = useMutation({
    mutationFn: ({ said }: Edit) => write(said),
    onSuccess: (after, { said, before }) => {
      setShown(after)
      if (form.sent()) setFilled(after)
      onSaved()
      offerUndo('The record is saved.', async () => {
        const [current] = await client.rows('patients', (rows) => rows.eq('id', patient.id))
        const changed = names.filter((name) => name in said)
        const mine = changed.filter((name) => current && textOf(current, name) === textOf(after, name))
        if (mine.length < changed.length) say('What has been changed since stays as it is.', 'bad')
        if (mine.length > 0) await write(saidOf(before, mine))
        onSaved()
      })
    },
  })
  const form = useForm((data) => {
    // Only what was changed: a colleague may have changed the rest meanwhile.
    const changed = names.filter((name) => String(data.get(name)) !== textOf(shown, name))
    const said = Object.fromEntries(changed.map((name) => [name, String(data.get(name))]))
    save.mutate({ said, before: patient })
  })
  // What a colleague changes shows at once, but not under the hand.
  if ((shown !== patient || filled !== patient) && !form.isEdited && !save.isPending) {
    setShown(patient)
    setFilled(patient)
  }
  const field = (name: keyof Said) => ({ name, error: save.error, defaultValue: textOf(filled, name) })
  return (
    <form
      key={JSON.stringify(names.map((name) => filled[name]))}
      className="card panel-card"
      aria-label="Record"
      {...form.props}
    >
      <h2>Record</h2>
      <div className="fields">
        <TextField label="Full name" required maxLength={200} {...field('full_name')} />
        <TextField label="Birth date" type="date" max={today(clinic.time_zone)} {...field('birth_date')} />
        <TextField label="Phone" type="tel" maxLength={40} {...field('phone')} />
        <TextField label="Email" type="email" maxLength={320} {...field('email')} />
      </div>
      <div className="staff-only">
        <TextAreaField
          label="Staff notes"
          rows={3}
          maxLength={4000}
          hint="Only the staff reads them, never the patient."
          {...field('staff_notes')}
        />
      </div>
      <FormError error={save.error} names={names} />
      <div className="toolbar">
        <Button type="submit" className="primary" busy={save.isPending} disabled={!form.isEdited}>
          Save record
        </Button>
      </div>
    </form>
  )
}

function saidOf(patient: Patient, which: readonly (keyof Said)[]): Said {
  return Object.fromEntries(which.map((name) => [name, textOf(patient, name)]))
}

function textOf(patient: Patient, name: keyof Said): string {
  return patient[name] ?? ''
}
