import { useMutation } from '@tanstack/react-query'
import { type Me, useChairtime } from '../../chairtime'
import { useFreshMe } from '../data'
import { FormError, SelectField, TextField, useForm } from '../ui/fields'
import { Button } from '../ui/parts'
import { useToast } from '../ui/Toasts'

const names = ['full_name', 'phone', 'email', 'locale'] as const
const known = ['en', 'de', 'es', 'fr', 'it', 'pt', 'nl', 'pl', 'tr', 'uk', 'ar', 'zh']
const languages = new Intl.DisplayNames('en', { type: 'language' })

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
  const locale = profile?.locale ?? 'en'
  const choices = known.includes(locale) ? known : [locale, ...known]
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
          defaultValue={locale}
          options={choices.map((value) => ({ value, label: languages.of(value) ?? value }))}
          hint="Of what the clinics write to you."
        />
      </div>
      <FormError error={save.error} names={names} />
      <div className="actions">
        <Button type="submit" className="primary small" busy={save.isPending} disabled={!form.isEdited}>
          Save
        </Button>
      </div>
    </form>
  )
}
