import type { AuthError } from '@supabase/supabase-js'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useChairtime } from '../../chairtime'
import { Button, Notice } from '../ui/parts'

interface Props {
  mode: 'in' | 'up'
  onDone(): void
}

/** Email and password, to sign in or to sign up. */
export function SignInForm({ mode, onDone }: Props) {
  const { supabase } = useChairtime()
  const [needsEmail, setNeedsEmail] = useState(false)
  const submit = useMutation({
    mutationFn: async (form: FormData) => {
      const email = String(form.get('email'))
      const password = String(form.get('password'))
      const full_name = String(form.get('full_name') ?? '')
      const { data, error } =
        mode === 'in'
          ? await supabase.auth.signInWithPassword({ email, password })
          : await supabase.auth.signUp({ email, password, options: { data: { full_name } } })
      if (error) throw new Error(wordsFor(error))
      return data.session !== null
    },
    onSuccess: (isSignedIn) => (isSignedIn ? onDone() : setNeedsEmail(true)),
  })
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
      {mode === 'up' && (
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

const TOO_MANY = 429
const SERVER_ERROR = 500

/** What Auth refuses, in words. What a server says of its own trouble is not for the person in front of it. */
function wordsFor({ code, status, message }: AuthError): string {
  switch (code) {
    case 'invalid_credentials':
      return 'This email and password do not belong together.'
    case 'user_already_exists':
    case 'email_exists':
      return 'There already is an account with this email. Sign in instead.'
    case 'weak_password':
      return 'Please choose a longer password.'
  }
  if (status === TOO_MANY) return 'Too many attempts. Wait a minute and try again.'
  if (!status || status >= SERVER_ERROR) {
    return 'No connection. Check your network, or try again in a moment.'
  }
  return message
}
