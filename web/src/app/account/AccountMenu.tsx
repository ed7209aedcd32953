import { LogOut, Monitor, Moon, Sun, UserRound, UserRoundPlus } from 'lucide-react'
import { useId, useRef } from 'react'
import { Link, useLocation } from 'wouter'
import { useChairtime, useSession } from '../../chairtime'
import { useMe } from '../data'
import { type Theme, useTheme } from '../theme'
import { Avatar } from '../ui/parts'

/** Who is signed in, the theme, and the way out. */
export function AccountMenu() {
  const session = useSession()
  const { data: me } = useMe()
  const client = useChairtime()
  const [, navigate] = useLocation()
  const menu = useRef<HTMLDivElement>(null)
  const id = useId()
  const isGuest = session?.user.is_anonymous ?? false
  const name = me?.profile?.full_name ?? (session?.user.email || 'Guest')

  const close = () => menu.current?.hidePopover()
  const signOut = async () => {
    close()
    await client.supabase.auth.signOut({ scope: 'local' })
    navigate('/sign-in')
  }
  return (
    <div className="account">
      {(session === null || isGuest) && (
        <Link
          href={`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`}
          className="btn small"
        >
          Sign in
        </Link>
      )}
      <button type="button" className="account-button" popoverTarget={id}>
        <span className="sr-only">Account: {name}</span>
        {session ? (
          <Avatar name={name} />
        ) : (
          <span className="avatar guest">
            <Sun size={17} aria-hidden="true" />
          </span>
        )}
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        className="menu"
        role="group"
        aria-label="Account and appearance"
      >
        {session && (
          <div className="menu-who">
            <strong className="clip">{name}</strong>
            <span className="clip">{isGuest ? 'Guest, on this device only' : session.user.email}</span>
          </div>
        )}
        {isGuest && (
          <Link href="/sign-up" className="btn quiet wide" onClick={close}>
            <UserRoundPlus size={16} /> Create an account
          </Link>
        )}
        {session && (
          <Link href="/profile" className="btn quiet wide" onClick={close}>
            <UserRound size={16} /> {isGuest ? 'Profile' : 'Profile and family'}
          </Link>
        )}
        <ThemePicker />
        {session && (
          <button type="button" className="btn quiet wide" onClick={signOut}>
            <LogOut size={16} /> Sign out
          </button>
        )}
      </div>
    </div>
  )
}

const themes: { value: Theme; label: string; icon: typeof Sun }[] = [
  { value: 'system', label: 'As the device', icon: Monitor },
  { value: 'light', label: 'Light', icon: Sun },
  { value: 'dark', label: 'Dark', icon: Moon },
]

function ThemePicker() {
  const [theme, choose] = useTheme()
  return (
    <div className="segmented" role="group" aria-label="Theme">
      {themes.map(({ value, label, icon: Icon }) => (
        <button
          key={value}
          type="button"
          aria-pressed={theme === value}
          aria-label={label}
          title={label}
          onClick={() => choose(value)}
        >
          <Icon size={16} />
        </button>
      ))}
    </div>
  )
}
