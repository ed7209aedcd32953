import { lazy, Suspense } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { useSession } from '../chairtime'
import { SignInPage } from './account/SignInPage'
import { desksOf, useMe } from './data'
import { AppointmentsPage } from './patient/AppointmentsPage'
import { BookPage } from './patient/BookPage'
import { NotFound } from './NotFound'
import { Shell, Splash } from './Shell'
import { Toasts } from './ui/Toasts'

const Desk = lazy(() => import('./staff/Desk').then(({ Desk }) => ({ default: Desk })))

/** The routes. Patients book under /book, staff work under /desk/<clinic>. */
export function App() {
  return (
    <Toasts>
      <Switch>
        <Route path="/" component={Home} />
        <Route path="/sign-in">
          <SignInPage mode="in" />
        </Route>
        <Route path="/sign-up">
          <SignInPage mode="up" />
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
        <Route path="/desk/:clinic/*?">
          {({ clinic }) => (
            <SignedIn>
              <Suspense fallback={<Splash />}>
                <Desk slug={clinic} />
              </Suspense>
            </SignedIn>
          )}
        </Route>
        <Route component={NotFound} />
      </Switch>
    </Toasts>
  )
}

/** Staff start at their desk, everybody else with booking. */
function Home() {
  const session = useSession()
  const { data: me, isLoading } = useMe()
  if (session === undefined || isLoading) return <Splash />
  const desk = desksOf(me)[0]
  return <Redirect to={desk ? `/desk/${desk.clinic_slug}/day` : '/book'} replace />
}

function SignedIn({ children }: { children: React.ReactNode }) {
  const session = useSession()
  if (session === undefined) return <Splash />
  if (session === null)
    return <Redirect to={`/sign-in?next=${encodeURIComponent(location.pathname)}`} replace />
  return children
}
