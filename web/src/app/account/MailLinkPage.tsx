import { useMutation } from '@tanstack/react-query'
import { Link, useSearchParams } from 'wouter'
import { useChairtime } from '../../chairtime'
import { Button, Notice, PageTitle } from '../ui/parts'
import { settled, wordsFor } from './authWords'
import { safePath, SignInFrame } from './SignInPage'

const kinds = {
  recovery: {
    title: 'Forgotten your password?',
    about: 'We mail you a link with which you choose a new one.',
    button: 'Mail me a link',
  },
  magic: {
    title: 'Sign in by email',
    about: 'We mail you a link that signs you in, without a password.',
    button: 'Mail me a link',
  },
}

/** Asking for a mail with a link. Whether there is an account of that address is not said: that is nobody else's business. */
export function MailLinkPage({ kind }: { kind: keyof typeof kinds }) {
  const { auth } = useChairtime().supabase
  const [search] = useSearchParams()
  const { title, about, button } = kinds[kind]
  const ask = useMutation({
    mutationFn: async (email: string) => {
      if (kind === 'recovery') {
        settled(await auth.resetPasswordForEmail(email, { redirectTo: `${location.origin}/new-password` }))
        return email
      }
      const emailRedirectTo = `${location.origin}/sign-in?next=${encodeURIComponent(safePath(search.get('next')))}`
      const options = { shouldCreateUser: false, emailRedirectTo }
      const { error } = await auth.signInWithOtp({ email, options })
      if (error && error.code !== 'otp_disabled') throw new Error(wordsFor(error))
      return email
    },
  })
  return (
    <SignInFrame>
      <div>
        <PageTitle>{title}</PageTitle>
        <p className="muted">{about}</p>
      </div>
      {ask.data ? (
        <div className="stack" role="status">
          <Notice tone="good">
            If there is an account with {ask.data}, a link is on its way. It works once, for an hour.
          </Notice>
          <Button className="quiet" onClick={ask.reset}>
            Use another address
          </Button>
        </div>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            ask.mutate(String(new FormData(event.currentTarget).get('email')))
          }}
        >
          <label className="field">
            <span>Email</span>
            <input className="input" name="email" type="email" autoComplete="email" required />
          </label>
          {ask.error && <Notice tone="bad">{ask.error.message}</Notice>}
          <Button type="submit" className="primary wide" busy={ask.isPending}>
            {button}
          </Button>
        </form>
      )}
      <p className="muted">
        <Link href={`/sign-in${location.search}`}>Back to signing in</Link>
      </p>
    </SignInFrame>
  )
}
