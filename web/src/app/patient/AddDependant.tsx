import { useMutation } from '@tanstack/react-query'
import { type Clinic, useChairtime } from '../../chairtime'
import { useFreshMe } from '../data'
import { Dialog } from '../ui/Dialog'
import { FormError, SelectField, TextField, useForm } from '../ui/fields'
import { Button } from '../ui/parts'

const relations = ['parent', 'grandparent', 'guardian', 'partner', 'carer'].map((value) => ({
  value,
  label: value[0]?.toUpperCase() + value.slice(1),
}))

interface Props {
  /** Where; one is chosen of several. */
  clinics: Clinic[]
  onClose(): void
  onAdded(patientId: string): void
}

/** A child, or somebody else, for whom one books from now on. */
export function AddDependant({ clinics, onClose, onAdded }: Props) {
  const client = useChairtime()
  const freshMe = useFreshMe()
  const add = useMutation({
    mutationFn: async (form: FormData) => {
      const said = (name: string) => String(form.get(name))
      const patient = await client.rpc('add_dependant', {
        clinic_id: clinics.length > 1 ? said('clinic_id') : (clinics[0]?.id ?? ''),
        full_name: said('full_name'),
        birth_date: said('birth_date'),
        relation: said('relation'),
      })
      await freshMe()
      return patient
    },
    onSuccess: ({ id }) => onAdded(id),
  })
  const form = useForm((data) => add.mutate(data))
  return (
    <Dialog title="Whom do you book for?" onClose={onClose}>
      <form className="stack" {...form.props}>
        <p className="muted">
          {clinics.length > 1 ? 'The clinic' : clinics[0]?.name} gets a record of them. You book, move and
          cancel their visits; for a child that ends when they are 18.
        </p>
        {clinics.length > 1 && (
          <SelectField
            label="Clinic"
            name="clinic_id"
            error={add.error}
            defaultValue={clinics[0]?.id ?? ''}
            options={clinics.map(({ id, name }) => ({ value: id, label: name }))}
          />
        )}
        <TextField
          label="Full name"
          name="full_name"
          error={add.error}
          autoComplete="off"
          required
          maxLength={200}
        />
        <TextField label="Birth date" name="birth_date" type="date" error={add.error} required />
        <SelectField
          label="You are their"
          name="relation"
          error={add.error}
          defaultValue="parent"
          options={relations}
        />
        <FormError error={add.error} names={['full_name', 'birth_date', 'relation']} />
        <div className="actions">
          <Button className="quiet" onClick={onClose}>
            Not now
          </Button>
          <Button type="submit" className="primary" busy={add.isPending}>
            Add
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
