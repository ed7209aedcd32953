import { lazy, Suspense, useState } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { useSession } from '../chairtime'
import { ErrorBoundary } from './ErrorBoundary'
import { MailLinkPage } from './account/MailLinkPage'
import { NewPasswordPage } from './account/NewPasswordPage'
import { ProfilePage } from './account/ProfilePage'
import { SignInPage } from './account/SignInPage'
import { desksOf, useMe } from './data'
import { AppointmentsPage } from './patient/AppointmentsPage'
import { BookPage } from './patient/BookPage'
import { FamilyPage } from './patient/FamilyPage'
import { NotFound } from './NotFound'
import { Shell, Splash } from './Shell'
import { signInPath, useEndOfSession } from './session'
import { JoinPage } from './account/JoinPage'
import { Toasts } from './ui/Toasts'

const LinkPage = lazy(() => import('./link/LinkPage').then(({ LinkPage }) => ({ default: LinkPage })))
const Desk = lazy(() => import('./staff/Desk').then(({ Desk }) => ({ default: Desk })))

/** Whatever goes wrong on a page is handled here, above the routes. */
export function App() {
  useEndOfSession()
  return (
    <Toasts>
      <ErrorBoundary>
        <Routes />
      </ErrorBoundary>
    </Toasts>
  )
}

/** Patients book under /book, staff work under /desk/<clinic>, and /a/<token> is what the links of messages open. */
function Routes() {
  return (
    <Switch>
      <Route path="/" component={Home} />
      <Route path="/sign-in">
        <SignInPage mode="in" />
      </Route>
      <Route path="/sign-up">
        <SignInPage mode="up" />
      </Route>
      <Route path="/forgotten-password">
        <MailLinkPage kind="recovery" />
      </Route>
      <Route path="/sign-in-link">
        <MailLinkPage kind="magic" />
      </Route>
      <Route path="/new-password" component={NewPasswordPage} />
      <Route path="/book/family">
        <SignedIn>
          <Shell>
            <FamilyPage />
          </Shell>
        </SignedIn>
      </Route>
      <Route path="/profile">
        <SignedIn>
          <Shell>
            <ProfilePage />
          </Shell>
        </SignedIn>
      </Route>
      <Route path="/book">
        <Shell>
          <BookPage />
        </Shell>
      </Route>
      <Route path="/appointments">
        <SignedIn>
          <Shell>
            <AppointmentsPage />
          </Shell>
        </SignedIn>
      </Route>
      <Route path="/join" component={JoinPage} />
      <Route path="/a/:token">
        {({ token }) => (
          <Suspense fallback={<Splash />}>
            <LinkPage key={token} token={token} />
          </Suspense>
        )}
      </Route>
      <Route path="/desk/:clinic/*?">
        {({ clinic }) => (
          <SignedIn>
            <Suspense fallback={<Splash />}>
              <Desk slug={clinic} />
            </Suspense>
          </SignedIn>
        )}
      </Route>
      <Route>
        <Shell>
          <NotFound />
        </Shell>
      </Route>
    </Switch>
  )
}

/** Staff start at their desk, everybody else with booking. */
function Home() {
  const session = useSession()
  const { data: me, error, isPending } = useMe()
  if (session === undefined || (session && isPending)) return <Splash error={error} />
  const desk = desksOf(me)[0]
  return <Redirect to={desk ? `/desk/${desk.clinic_slug}/day` : '/book'} replace />
}

function SignedIn({ children }: { children: React.ReactNode }) {
  const session = useSession()
  const [wasSignedIn, setWasSignedIn] = useState(false)
  if (session && !wasSignedIn) setWasSignedIn(true)
  if (session === undefined) return <Splash />
  // Also where the session could not be renewed, or another tab has ended it.
  if (session === null) return <Redirect to={signInPath(wasSignedIn ? 'out' : undefined)} replace />
  return children
}
