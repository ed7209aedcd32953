import { Link2, UserRoundPlus } from 'lucide-react'
import { Link } from 'wouter'
import { useSession } from '../../chairtime'
import { useLiveFamily, useMe } from '../data'
import { PageTitle } from '../ui/parts'
import { Loading } from '../ui/states'
import { AboutMe } from './AboutMe'
import { Family } from './Family'
import { MyData } from './MyData'
import { Wanted } from './Wanted'

/** What one says of oneself, whom one acts for, and what becomes of it all. */
export function ProfilePage() {
  const session = useSession()
  const { data: me, error } = useMe()
  useLiveFamily()
  if (!me || !session) return <Loading error={error} heights={[60, 240, 160]} />
  return (
    <div className="mine profile">
      <PageTitle>Profile and family</PageTitle>
      <AboutMe me={me} />
      {!me.is_guest && <Family me={me} />}
      <Wanted me={me} />
      <section className="card panel-card" aria-labelledby="account">
        <h2 id="account">Account</h2>
        {me.is_guest ? (
          <>
            <p className="muted">You are a guest: only this browser knows what you have booked.</p>
            <div className="toolbar">
              <Link href="/sign-up?next=/profile" className="btn primary small">
                <UserRoundPlus size={15} /> Create an account
              </Link>
            </div>
          </>
        ) : (
          <>
            <p className="muted">You sign in as {me.email}.</p>
            <div className="toolbar">
              <Link href="/new-password" className="btn small">
                Change password
              </Link>
              <Link href="/join" className="btn small">
                <Link2 size={15} /> I have a code from my clinic
              </Link>
            </div>
          </>
        )}
      </section>
      <MyData />
    </div>
  )
}
