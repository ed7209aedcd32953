import { CalendarCheck2, CalendarPlus, LayoutDashboard } from 'lucide-react'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { useSession } from '../chairtime'
import { AccountMenu } from './account/AccountMenu'
import { Connection } from './Connection'
import { desksOf, useMe } from './data'
import { ErrorNotice } from './ui/parts'

/** The patient's frame: brand, navigation, account. On a phone the navigation moves to the thumb. */
export function Shell({ children }: { children: ReactNode }) {
  const session = useSession()
  const { data: me } = useMe()
  const desk = desksOf(me)[0]
  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="top">
        <Brand />
        <nav aria-label="Main">
          <NavLink href="/book" icon={<CalendarPlus size={18} />}>
            Book
          </NavLink>
          {session && (
            <NavLink href="/appointments" icon={<CalendarCheck2 size={18} />}>
              My appointments
            </NavLink>
          )}
          {desk && (
            <NavLink href={`/desk/${desk.clinic_slug}/day`} icon={<LayoutDashboard size={18} />}>
              Desk
            </NavLink>
          )}
        </nav>
        <div className="top-end">
          <Connection />
          <AccountMenu />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <footer className="shell-foot">
        <Version />
      </footer>
    </div>
  )
}

export function Brand() {
  return (
    <Link href="/" className="brand" aria-label="Chairtime, to the start">
      <img src="/icon.svg" width={28} height={28} alt="" />
      <span>Chairtime</span>
    </Link>
  )
}

export function Version() {
  return <small className="version">Chairtime {import.meta.env.VITE_CHAIRTIME_VERSION}</small>
}

function NavLink({ href, icon, children }: { href: string; icon: ReactNode; children: ReactNode }) {
  const [path] = useLocation()
  return (
    <Link href={href} aria-current={path.startsWith(href) ? 'page' : undefined}>
      {icon}
      <span>{children}</span>
    </Link>
  )
}

/** While the session is being read: the brand, and nothing that would jump; or why it takes so long. */
export function Splash({ error }: { error?: Error | null }) {
  return (
    <div className="splash">
      <div role="status" aria-label="Loading">
        <img src="/icon.svg" width={44} height={44} alt="" />
      </div>
      <ErrorNotice error={error} />
    </div>
  )
}
