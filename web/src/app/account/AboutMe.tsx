import { useMutation } from '@tanstack/react-query'
import { type Me, useChairtime } from '../../chairtime'
import { useFreshMe, useLanguages } from '../data'
import { FormError, SelectField, TextField, useForm } from '../ui/fields'
import { Button } from '../ui/parts'
import { useToast } from '../ui/Toasts'

const names = ['full_name', 'phone', 'email', 'locale'] as const

/** Name and contact, as all one's clinics see them. */
export function AboutMe({ me }: { me: Me }) {
  const client = useChairtime()
  const freshMe = useFreshMe()
  const say = useToast()
  const save = useMutation({
    mutationFn: (data: FormData) => {
      const given = names.map((name) => [name, String(data.get(name) ?? '').trim()])
      return client.rpc('update_me', Object.fromEntries(given.filter(([, value]) => value !== '')))
    },
    onSuccess: async () => {
      await freshMe()
      form.sent()
      say('Saved. Your clinics see it, too.')
    },
  })
  const form = useForm((data) => save.mutate(data))
  const profile = me.profile
  const locale = profile?.locale ?? null
  const { languages, error } = useLanguages(locale)
  // Who has not said one yet is written to by each clinic in its own.
  const unsaid = locale === null ? [{ value: '', label: 'That of each clinic' }] : []
  return (
    <form className="card panel-card" aria-label="About you" {...form.props}>
      <h2>About you</h2>
      <div className="fields">
        <TextField
          label="Full name"
          name="full_name"
          error={save.error}
          defaultValue={profile?.full_name ?? ''}
          autoComplete="name"
          required
          maxLength={200}
        />
        <TextField
          label="Phone"
          name="phone"
          type="tel"
          error={save.error}
          defaultValue={profile?.phone ?? ''}
          required={Boolean(profile?.phone)}
          autoComplete="tel"
          maxLength={40}
        />
        <TextField
          label="Email for your clinics"
          name="email"
          type="email"
          error={save.error}
          defaultValue={profile?.email ?? me.email ?? ''}
          required={Boolean(profile?.email)}
          autoComplete="email"
          maxLength={320}
          hint={me.is_guest ? undefined : 'You still sign in with your account’s.'}
        />
        <SelectField
          label="Language"
          name="locale"
          error={save.error}
          defaultValue={locale ?? ''}
          options={[...unsaid, ...languages]}
          hint="Of what the clinics write to you."
        />
      </div>
      <FormError error={save.error ?? error} names={names} />
      <div className="actions">
        <Button type="submit" className="primary small" busy={save.isPending} disabled={!form.isEdited}>
          Save
        </Button>
      </div>
    </form>
  )
}
