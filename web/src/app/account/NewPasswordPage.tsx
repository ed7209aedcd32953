import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useChairtime, useSession } from '../../chairtime'
import { Splash } from '../Shell'
import { Button, Notice, PageTitle } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { settled } from './authWords'
import { hasLinkFailed, LinkFailed } from './mailLinks'
import { SignInFrame } from './SignInPage'

/** Where the link of a forgotten password leads; also for who is signed in and wants another one. */
export function NewPasswordPage() {
  const session = useSession()
  const { auth } = useChairtime().supabase
  const say = useToast()
  const [, navigate] = useLocation()
  const [linkFailed] = useState(hasLinkFailed)
  const change = useMutation({
    mutationFn: async (password: string) => settled(await auth.updateUser({ password })),
    onSuccess: () => {
      say('Your new password is set.')
      navigate('/')
    },
  })
  if (session === undefined) return <Splash />
  if (linkFailed || !session || session.user.is_anonymous) {
    return (
      <SignInFrame>
        <PageTitle>Choose a new password</PageTitle>
        {linkFailed ? <LinkFailed /> : <Notice>Open this page with the link that we mail you.</Notice>}
        <Link href="/forgotten-password" className="btn primary wide">
          Mail me a link
        </Link>
      </SignInFrame>
    )
  }
  return (
    <SignInFrame>
      <div>
        <PageTitle>Choose a new password</PageTitle>
        <p className="muted">For {session.user.email}.</p>
      </div>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate(String(new FormData(event.currentTarget).get('password')))
        }}
      >
        <input type="email" name="email" autoComplete="username" value={session.user.email} readOnly hidden />
        <label className="field">
          <span>New password</span>
          <input
            className="input"
            name="password"
            type="password"
            autoComplete="new-password"
            minLength={8}
            required
          />
          <small>At least 8 characters.</small>
        </label>
        {change.error && <Notice tone="bad">{change.error.message}</Notice>}
        <Button type="submit" className="primary wide" busy={change.isPending}>
          Set password
        </Button>
      </form>
    </SignInFrame>
  )
}
