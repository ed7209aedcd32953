import { useMutation } from '@tanstack/react-query'
import { type Clinic, useChairtime } from '../../../chairtime'
import { today } from '../../format'
import { Dialog } from '../../ui/Dialog'
import { FormError, TextAreaField, TextField, useForm } from '../../ui/fields'
import { Button } from '../../ui/parts'
import { MaybeKnown, type NewPerson, register } from './register'
import { Similar } from './Similar'

interface Props {
  clinic: Clinic
  name: string
  onClose(): void
  /** The one who is registered now, or was all along. */
  onKnown(patientId: string): void
}

const names = ['full_name', 'birth_date', 'phone', 'email', 'staff_notes'] as const

/** Takes down somebody new, after a look at who may be the same. */
export function NewPatient({ clinic, name, onClose, onKnown }: Props) {
  const client = useChairtime()
  const create = useMutation({
    mutationFn: ({ person, isOther }: { person: NewPerson; isOther: boolean }) =>
      register(client, clinic.id, person, isOther),
    onSuccess: ({ id }) => onKnown(id),
  })
  const form = useForm((data) => {
    const person = Object.fromEntries(names.map((each) => [each, String(data.get(each))]))
    create.mutate({ person: person as unknown as NewPerson, isOther: false })
  })
  const field = (each: (typeof names)[number]) => ({ name: each, error: create.error })
  return (
    <Dialog title="New patient" onClose={onClose}>
      <form
        className="stack"
        onSubmit={form.props.onSubmit}
        onChange={() => create.error instanceof MaybeKnown && create.reset()}
      >
        <TextField
          label="Full name"
          required
          maxLength={200}
          autoFocus
          // What was looked for may have been a number.
          defaultValue={/\d|@/.test(name) ? '' : name}
          {...field('full_name')}
        />
        <div className="cols">
          <TextField label="Birth date" type="date" max={today(clinic.time_zone)} {...field('birth_date')} />
          <TextField label="Phone" type="tel" maxLength={40} {...field('phone')} />
        </div>
        <TextField label="Email" type="email" maxLength={320} {...field('email')} />
        <div className="staff-only">
          <TextAreaField
            label="Staff notes"
            rows={2}
            maxLength={4000}
            hint="Only the staff reads them, never the patient."
            {...field('staff_notes')}
          />
        </div>
        {!(create.error instanceof MaybeKnown) && <FormError error={create.error} names={names} />}
        <Similar
          error={create.error}
          zone={clinic.time_zone}
          busy={create.isPending}
          onTake={({ id }) => onKnown(id)}
          onOther={() => create.variables && create.mutate({ ...create.variables, isOther: true })}
        />
        <div className="actions">
          <Button className="quiet" onClick={onClose}>
            Close
          </Button>
          {!(create.error instanceof MaybeKnown) && (
            <Button type="submit" className="primary" busy={create.isPending}>
              Register
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  )
}
