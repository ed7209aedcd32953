import {
  CalendarDays,
  CalendarOff,
  ChartNoAxesColumn,
  Clock3,
  Hourglass,
  MessageSquareText,
  Settings,
  ShieldX,
  UsersRound,
} from 'lucide-react'
import { lazy, type ReactNode, Suspense } from 'react'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter'
import type { Clinic, Membership } from '../../chairtime'
import { AccountMenu } from '../account/AccountMenu'
import { Connection } from '../Connection'
import { desksOf, useClinics, useMe } from '../data'
import { NotFound } from '../NotFound'
import { Brand, Shell, Splash, Version } from '../Shell'
import { Empty, Skeleton } from '../ui/parts'
import { Broken } from '../ui/states'
import { AbsencePage } from './absence/AbsencePage'
import { DayPage } from './DayPage'
import { HoursPage } from './HoursPage'
import { InboxCount } from './messages/InboxCount'
import { PatientSearch } from './patients/PatientSearch'
import { roleNames } from './roles'
import { TeamPage } from './TeamPage'

const SettingsPage = lazy(() =>
  import('./settings/SettingsPage').then(({ SettingsPage }) => ({ default: SettingsPage })),
)
const PatientPage = lazy(() =>
  import('./patients/PatientPage').then(({ PatientPage }) => ({ default: PatientPage })),
)
const MessagesPage = lazy(() =>
  import('./messages/MessagesPage').then(({ MessagesPage }) => ({ default: MessagesPage })),
)
const WaitingPage = lazy(() =>
  import('./waiting/WaitingPage').then(({ WaitingPage }) => ({ default: WaitingPage })),
)
const MetricsPage = lazy(() => import('./MetricsPage').then(({ MetricsPage }) => ({ default: MetricsPage })))

export interface DeskProps {
  clinic: Clinic
  membership: Membership
}

interface Section {
  path: string
  label: string
  icon: ReactNode
  roles: Membership['role'][]
  /** How many things wait there. */
  count?(desk: DeskProps): ReactNode
  page(desk: DeskProps): ReactNode
}

const sections: Section[] = [
  {
    path: 'day',
    label: 'Day',
    icon: <CalendarDays size={19} />,
    roles: ['admin', 'receptionist', 'dentist'],
    page: (desk) => <DayPage {...desk} />,
  },
  {
    path: 'messages',
    label: 'Messages',
    icon: <MessageSquareText size={19} />,
    roles: ['admin', 'receptionist'],
    count: ({ clinic }) => <InboxCount clinicId={clinic.id} />,
    page: (desk) => <MessagesPage {...desk} />,
  },
  {
    path: 'waiting',
    label: 'Waiting',
    icon: <Hourglass size={19} />,
    roles: ['admin', 'receptionist'],
    page: (desk) => <WaitingPage {...desk} />,
  },
  {
    path: 'absences',
    label: 'Away',
    icon: <CalendarOff size={19} />,
    roles: ['admin', 'receptionist', 'dentist'],
    page: (desk) => <AbsencePage {...desk} />,
  },
  {
    path: 'hours',
    label: 'Hours',
    icon: <Clock3 size={19} />,
    roles: ['admin', 'dentist'],
    page: (desk) => <HoursPage {...desk} />,
  },
  {
    path: 'metrics',
    label: 'Metrics',
    icon: <ChartNoAxesColumn size={19} />,
    roles: ['admin'],
    page: (desk) => <MetricsPage {...desk} />,
  },
  {
    path: 'team',
    label: 'Team',
    icon: <UsersRound size={19} />,
    roles: ['admin'],
    page: (desk) => <TeamPage {...desk} />,
  },
  {
    path: 'settings',
    label: 'Settings',
    icon: <Settings size={19} />,
    roles: ['admin'],
    page: (desk) => <SettingsPage {...desk} />,
  },
]

/** The staff's side of one clinic: who may see which section depends on the role there. */
export function Desk({ slug }: { slug: string }) {
  const me = useMe()
  const clinics = useClinics()
  const error = me.error ?? clinics.error
  if (error && (me.isError || clinics.isError)) {
    return (
      <Shell>
        <Broken error={error} retry={() => void Promise.all([me.refetch(), clinics.refetch()])} />
      </Shell>
    )
  }
  if (!me.data || !clinics.data) return <Splash error={error} />
  const desks = desksOf(me.data)
  const membership = desks.find((desk) => desk.clinic_slug === slug)
  const clinic = clinics.data.find((each) => each.slug === slug)
  if (!membership || !clinic) return <NotYours />
  const mine = sections.filter(({ roles }) => roles.includes(membership.role))
  return (
    <div className="desk">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <aside className="rail">
        <Brand />
        <ClinicSwitch current={clinic} desks={desks} />
        <PatientSearch clinic={clinic} membership={membership} />
        <nav aria-label="Desk">
          {mine.map(({ path, label, icon, count }) => (
            <RailLink key={path} href={`/desk/${slug}/${path}`} icon={icon}>
              <span>{label}</span>
              {count?.({ clinic, membership })}
            </RailLink>
          ))}
        </nav>
        <div className="rail-foot">
          <Connection />
          <AccountMenu />
          <Version />
        </div>
      </aside>
      <main id="main" tabIndex={-1}>
        <Suspense fallback={<Skeleton height="60dvh" />}>
          <Switch>
            {mine.map(({ path, page }) => (
              <Route key={path} path={`/desk/:clinic/${path}`}>
                {page({ clinic, membership })}
              </Route>
            ))}
            <Route path="/desk/:clinic/patients/:patient">
              {({ patient }) => (
                <PatientPage key={patient} id={patient} clinic={clinic} membership={membership} />
              )}
            </Route>
            <Route path="/desk/:clinic">
              <Redirect to={`/desk/${slug}/day`} replace />
            </Route>
            <Route component={NotFound} />
          </Switch>
        </Suspense>
      </main>
    </div>
  )
}

function RailLink({ href, icon, children }: { href: string; icon: ReactNode; children: ReactNode }) {
  const [path] = useLocation()
  return (
    <Link href={href} aria-current={path.startsWith(href) ? 'page' : undefined}>
      {icon}
      {children}
    </Link>
  )
}

function ClinicSwitch({ current, desks }: { current: Clinic; desks: Membership[] }) {
  const [, navigate] = useLocation()
  const role = desks.find(({ clinic_slug }) => clinic_slug === current.slug)?.role ?? 'patient'
  return (
    <div className="clinic-switch">
      {desks.length > 1 ? (
        <select
          className="input small"
          aria-label="Clinic"
          value={current.slug}
          onChange={(event) => navigate(`/desk/${event.target.value}/day`)}
        >
          {desks.map(({ clinic_slug, clinic_name }) => (
            <option key={clinic_slug} value={clinic_slug}>
              {clinic_name}
            </option>
          ))}
        </select>
      ) : (
        <strong className="clip">{current.name}</strong>
      )}
      <small>{roleNames[role]}</small>
    </div>
  )
}

function NotYours() {
  return (
    <Shell>
      <Empty icon={<ShieldX />} title="This desk is not yours" isPage>
        <p>You are signed in, but not on the staff of this clinic. An administrator there can add you.</p>
        <Link href="/book" className="btn primary">
          Book a visit instead
        </Link>
      </Empty>
    </Shell>
  )
}
