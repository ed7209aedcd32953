import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useChairtime, useSession } from '../../chairtime'
import { useFreshMe } from '../data'
import { Button, Notice } from '../ui/parts'
import { settled } from './authWords'

interface Props {
  mode: 'in' | 'up'
  onDone(): void
}

/** Email and password, to sign in or to sign up. A guest who signs up keeps what they have booked. */
export function SignInForm({ mode, onDone }: Props) {
  const { supabase } = useChairtime()
  const isGuest = useSession()?.user.is_anonymous ?? false
  const freshMe = useFreshMe()
  const [needsEmail, setNeedsEmail] = useState(false)
  const submit = useMutation({
    mutationFn: async (form: FormData) => {
      const email = String(form.get('email'))
      const password = String(form.get('password'))
      if (mode === 'in') return settled(await supabase.auth.signInWithPassword({ email, password })).session
      if (isGuest) return becomeAccount(email, password)
      const data = { full_name: String(form.get('full_name')) }
      return settled(await supabase.auth.signUp({ email, password, options: { data } })).session
    },
    onSuccess: (session) => (session ? onDone() : setNeedsEmail(true)),
  })
  /** The token says that one is a guest until there is another. */
  const becomeAccount = async (email: string, password: string) => {
    const { user } = settled(await supabase.auth.updateUser({ email, password }))
    if (user?.is_anonymous) return null
    const { session } = settled(await supabase.auth.refreshSession())
    await freshMe()
    return session
  }
  if (needsEmail)
    return <Notice tone="good">Almost there: open the link in the email we have just sent you.</Notice>
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        submit.mutate(new FormData(event.currentTarget))
      }}
    >
      {mode === 'up' && !isGuest && (
        <label className="field">
          <span>Full name</span>
          <input className="input" name="full_name" autoComplete="name" required maxLength={200} />
        </label>
      )}
      <label className="field">
        <span>Email</span>
        <input className="input" name="email" type="email" autoComplete="email" required />
      </label>
      <label className="field">
        <span>Password</span>
        <input
          className="input"
          name="password"
          type="password"
          autoComplete={mode === 'in' ? 'current-password' : 'new-password'}
          minLength={mode === 'up' ? 8 : undefined}
          required
        />
        {mode === 'up' && <small>At least 8 characters.</small>}
      </label>
      {submit.error && <Notice tone="bad">{submit.error.message}</Notice>}
      <Button type="submit" className="primary wide" busy={submit.isPending}>
        {mode === 'in' ? 'Sign in' : 'Create account'}
      </Button>
    </form>
  )
}
