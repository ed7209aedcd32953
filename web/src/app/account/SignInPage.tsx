import { type ReactNode, useState } from 'react'
import { Link, Redirect, useSearchParams } from 'wouter'
import { useSession } from '../../chairtime'
import type { Ending } from '../session'
import { Brand } from '../Shell'
import { Notice, PageTitle } from '../ui/parts'
import { hasLinkFailed, LinkFailed } from './mailLinks'
import { SignInForm } from './SignInForm'

/** Signing in or up as a page of its own; `?next=` says where to go afterwards. */
export function SignInPage({ mode }: { mode: 'in' | 'up' }) {
  const session = useSession()
  const [search] = useSearchParams()
  const next = safePath(search.get('next'))
  const ending = endings[search.get('why') as Ending]
  const [linkFailed] = useState(hasLinkFailed)
  if (session && !session.user.is_anonymous) return <Redirect to={next} replace />
  const other = mode === 'in' ? 'sign-up' : 'sign-in'
  return (
    <SignInFrame>
      <div>
        <PageTitle tab={mode === 'in' ? 'Sign in' : 'Sign up'}>
          {mode === 'in' ? 'Welcome back' : 'Create your account'}
        </PageTitle>
        <p className="muted">
          {mode === 'in'
            ? 'Sign in to book, move or look up appointments.'
            : 'One account for every clinic on Chairtime.'}
        </p>
      </div>
      {linkFailed ? <LinkFailed /> : ending && <Notice tone="warn">{ending}</Notice>}
      <SignInForm key={mode} mode={mode} onDone={() => {}} />
      {mode === 'in' && (
        <p className="sign-in-ways">
          <Link href={`/forgotten-password${location.search}`}>Forgotten your password?</Link>
          <Link href={`/sign-in-link${location.search}`}>Get a link by email instead</Link>
        </p>
      )}
      <p className="muted">
        {mode === 'in' ? 'New here? ' : 'Already have an account? '}
        <Link href={`/${other}${location.search}`}>{mode === 'in' ? 'Create an account' : 'Sign in'}</Link>
        {' · '}
        <Link href="/book">See free times</Link>
      </p>
    </SignInFrame>
  )
}

/** The brand, a form, and what it is all about. */
export function SignInFrame({ children }: { children: ReactNode }) {
  return (
    <main className="sign-in">
      <div className="sign-in-form">
        <Brand />
        {children}
      </div>
      <aside className="sign-in-art" aria-hidden="true">
        <div className="art-board">
          {['9:00', '9:30', '10:15', '11:00', '13:00', '13:45', '14:30', '15:15', '16:00'].map(
            (time, index) => (
              <span key={time} className={`art-slot n${index}`}>
                {time}
              </span>
            ),
          )}
        </div>
        <p>
          Every chair, every minute,
          <br />
          <em>as it happens.</em>
        </p>
      </aside>
    </main>
  )
}

const endings: Record<Ending, string> = {
  out: 'You are signed out. Sign in again, and you are back where you were.',
  ended: 'Your session has ended. Sign in again, and you are back where you were.',
  gone: 'This account no longer exists, so you have been signed out.',
}

/** Only paths of this site, as the browser understands them: an address in a link must not lead elsewhere. */
export function safePath(next: string | null): string {
  if (!next?.startsWith('/')) return '/'
  try {
    const { origin, pathname, search, hash } = new URL(next, location.origin)
    return origin === location.origin && !pathname.startsWith('//') ? pathname + search + hash : '/'
  } catch {
    return '/'
  }
}
