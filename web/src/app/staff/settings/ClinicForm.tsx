import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type Clinic, type ClinicChange, useChairtime } from '../../../chairtime'
import { FormError, TextField, useForm } from '../../ui/fields'
import { Button, Notice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'

const names = ['name', 'time_zone', 'phone', 'email', 'address'] as const
const clearable = ['phone', 'email', 'address'] as const
const zones = Intl.supportedValuesOf('timeZone')

/** What the clinic is called, where it is, and how to reach it. Another time zone is first shown with what it does. */
export function ClinicForm({ clinic }: { clinic: Clinic }) {
  const client = useChairtime()
  const queries = useQueryClient()
  const say = useToast()
  const send = (form: FormData, dry_run: boolean) =>
    client.rpc('update_clinic', {
      clinic_id: clinic.id,
      ...Object.fromEntries(names.map((name) => [name, String(form.get(name))])),
      clear: clearable.filter((name) => String(form.get(name)).trim() === ''),
      dry_run,
    })
  const preview = useMutation({ mutationFn: (form: FormData) => send(form, true) })
  const save = useMutation({
    mutationFn: (form: FormData) => send(form, false),
    onSuccess: () => {
      say('The clinic is saved.')
      preview.reset()
      form.sent()
      void queries.invalidateQueries({ queryKey: ['clinics'] })
    },
  })
  const form = useForm((data) =>
    data.get('time_zone') === clinic.time_zone || preview.data ? save.mutate(data) : preview.mutate(data),
  )
  const error = preview.error ?? save.error
  const field = (name: (typeof names)[number]) => ({ name, error, defaultValue: clinic[name] ?? '' })
  return (
    <form
      className="card panel-card"
      aria-label="The clinic"
      onSubmit={form.props.onSubmit}
      onChange={() => {
        preview.reset()
        save.reset()
        form.props.onChange()
      }}
    >
      <h2>The clinic</h2>
      <div className="fields">
        <TextField label="Name" required maxLength={200} {...field('name')} />
        <TextField label="Time zone" required list="zones" {...field('time_zone')} />
        <TextField label="Phone" type="tel" maxLength={40} {...field('phone')} />
        <TextField label="Email" type="email" maxLength={320} {...field('email')} />
        <TextField label="Address" maxLength={1000} {...field('address')} />
      </div>
      <datalist id="zones">
        {zones.map((zone) => (
          <option key={zone}>{zone}</option>
        ))}
      </datalist>
      <FormError error={error} names={names} />
      {preview.data && <Shifted change={preview.data} />}
      <div className="toolbar">
        <Button
          type="submit"
          className="primary"
          busy={save.isPending || preview.isPending}
          disabled={!form.isEdited}
        >
          {preview.data ? 'Save with the new time zone' : 'Save clinic'}
        </Button>
      </div>
    </form>
  )
}

/** Whose time of the clock another zone changes. */
function Shifted({ change: { appointments_shifted: shifted } }: { change: ClinicChange }) {
  if (shifted.length === 0)
    return <Notice tone="good">No appointment ahead changes its time of the clock.</Notice>
  return (
    <Notice tone="warn">
      <p>
        <strong>
          {shifted.length === 1 ? '1 appointment' : `${shifted.length} appointments`} ahead will be at another
          time of the clock.
        </strong>
      </p>
      <ul>
        {shifted.map(({ appointment_id, patient_name, local_before, local_after }) => (
          <li key={appointment_id} className="num">
            {patient_name}: {local_before} → {local_after}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
