import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type Clinic, useChairtime } from '../../../chairtime'
import { FormError, SpanField, spanOf, TextField, useForm } from '../../ui/fields'
import { Button } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'

const spans = [
  { name: 'slot_interval', label: 'A visit can start every', hint: 'Counted from when the dentist opens.' },
  {
    name: 'min_notice',
    label: 'Booked at the latest',
    hint: 'So long before it starts. Staff book until the last minute.',
  },
  { name: 'booking_horizon', label: 'Booked at the earliest', hint: 'So long ahead.' },
  { name: 'cancellation_notice', label: 'Patients cancel or move until', hint: 'So long before it starts.' },
  { name: 'cancel_grace', label: 'Patients think again for', hint: 'After booking, whatever the notice.' },
  { name: 'hold_duration', label: 'A time is held for', hint: 'While somebody books.' },
  { name: 'offer_duration', label: 'An offer is held for', hint: 'Then it goes to who waits next.' },
  { name: 'offer_lead', label: 'Offered at the latest', hint: 'So long before it starts, to who waits.' },
] as const
const counts = [
  { name: 'max_upcoming', label: 'Visits that a patient may have ahead' },
  { name: 'max_active_holds', label: 'Times held at once' },
  { name: 'max_holds_per_hour', label: 'Times held within an hour' },
  { name: 'max_waitlist_offers', label: 'Offers to somebody who waits' },
  { name: 'max_chatbot_bookings_per_hour', label: 'Chatbot bookings within an hour' },
] as const
const names = [...spans, ...counts].map(({ name }) => name)

/** The clinic's rules of booking, which types of visit may have otherwise. */
export function PolicyForm({ clinic }: { clinic: Clinic }) {
  const client = useChairtime()
  const queries = useQueryClient()
  const say = useToast()
  const save = useMutation({
    mutationFn: (form: FormData) =>
      client.rpc('update_clinic_policy', {
        clinic_id: clinic.id,
        ...Object.fromEntries(spans.map(({ name }) => [name, spanOf(form, name)])),
        ...Object.fromEntries(counts.map(({ name }) => [name, Number(form.get(name))])),
      }),
    onSuccess: () => {
      say('The rules are saved.')
      form.sent()
      void queries.invalidateQueries({ queryKey: ['clinics'] })
    },
  })
  const form = useForm((data) => save.mutate(data))
  return (
    <form className="card panel-card" aria-label="Rules of booking" {...form.props}>
      <h2>Rules of booking</h2>
      <div className="fields">
        {spans.map(({ name, label, hint }) => (
          <SpanField
            key={name}
            label={label}
            name={name}
            hint={hint}
            error={save.error}
            value={clinic[name]}
          />
        ))}
        {counts.map(({ name, label }) => (
          <TextField
            key={name}
            label={label}
            name={name}
            error={save.error}
            type="number"
            min={1}
            required
            defaultValue={clinic[name]}
          />
        ))}
      </div>
      <FormError error={save.error} names={names} />
      <div className="toolbar">
        <Button type="submit" className="primary" busy={save.isPending} disabled={!form.isEdited}>
          Save rules
        </Button>
      </div>
    </form>
  )
}
