import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type Clinic, useChairtime } from '../../../chairtime'
import { useLanguages } from '../../data'
import { FormError, SelectField, TextField, useForm } from '../../ui/fields'
import { Button } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'

const names = ['locale', 'quiet_from', 'quiet_until'] as const

/** The clinic's language, and the hours in which nobody is woken. */
export function MessagePolicy({ clinic }: { clinic: Clinic }) {
  const client = useChairtime()
  const queries = useQueryClient()
  const say = useToast()
  const { languages, error } = useLanguages(clinic.locale)
  const save = useMutation({
    mutationFn: (form: FormData) =>
      client.rpc('update_clinic_policy', {
        clinic_id: clinic.id,
        ...Object.fromEntries(names.map((name) => [name, String(form.get(name))])),
      }),
    onSuccess: () => {
      say('The language and the quiet hours are saved.')
      form.sent()
      void queries.invalidateQueries({ queryKey: ['clinics'] })
    },
  })
  const form = useForm((data) => save.mutate(data))
  const time = (name: 'quiet_from' | 'quiet_until') => ({
    name,
    error: save.error,
    type: 'time',
    required: true,
    defaultValue: clinic[name].slice(0, 5),
  })
  return (
    <form className="card panel-card" aria-label="Language and quiet hours" {...form.props}>
      <h2>Language and quiet hours</h2>
      <div className="fields">
        <SelectField
          label="The clinic writes in"
          name="locale"
          error={save.error}
          defaultValue={clinic.locale}
          options={languages}
          hint="Who has chosen a language of their own is written to in that."
        />
        <TextField label="Quiet from" hint="By the clinic’s clock." {...time('quiet_from')} />
        <TextField label="Quiet until" hint="The same time twice: never quiet." {...time('quiet_until')} />
      </div>
      <p className="muted small-text">
        In quiet hours messages wait, but for emails that a visit was booked, moved or cancelled, and for
        answers to who has just written.
      </p>
      <FormError error={save.error ?? error} names={names} />
      <div className="toolbar">
        <Button type="submit" className="primary" busy={save.isPending} disabled={!form.isEdited}>
          Save
        </Button>
      </div>
    </form>
  )
}
