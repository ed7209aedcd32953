import { Link, useSearchParams } from 'wouter'
import { PageTitle } from '../../ui/parts'
import type { DeskProps } from '../Desk'
import { ClinicForm } from './ClinicForm'
import { Closures } from './Closures'
import { MessageSettings } from './MessageSettings'
import { PolicyForm } from './PolicyForm'
import { Rooms } from './Rooms'
import { Templates } from './Templates'
import { VisitTypes } from './VisitTypes'
import { WhoDoesWhat } from './WhoDoesWhat'

const parts = [
  { name: 'visits', label: 'Visits', show: ({ clinic }: DeskProps) => <VisitTypes clinic={clinic} /> },
  {
    name: 'people',
    label: 'Who does what',
    show: ({ clinic }: DeskProps) => <WhoDoesWhat clinic={clinic} />,
  },
  { name: 'rooms', label: 'Chairs', show: ({ clinic }: DeskProps) => <Rooms clinic={clinic} /> },
  { name: 'closures', label: 'Closures', show: ({ clinic }: DeskProps) => <Closures clinic={clinic} /> },
  { name: 'rules', label: 'Rules', show: ({ clinic }: DeskProps) => <PolicyForm clinic={clinic} /> },
  {
    name: 'messages',
    label: 'Messages',
    show: ({ clinic }: DeskProps) => <MessageSettings clinic={clinic} />,
  },
  { name: 'texts', label: 'Texts', show: ({ clinic }: DeskProps) => <Templates clinic={clinic} /> },
  { name: 'clinic', label: 'Clinic', show: ({ clinic }: DeskProps) => <ClinicForm clinic={clinic} /> },
] as const

/** How the clinic works: what is booked, with whom, on what, when not, by which rules, and what is sent of it. */
export function SettingsPage(desk: DeskProps) {
  const [search] = useSearchParams()
  const shown = parts.find(({ name }) => name === search.get('part')) ?? parts[0]
  return (
    <div className="page">
      <header className="page-head">
        <PageTitle tab={`${shown.label}, settings`}>Settings</PageTitle>
        <nav className="segmented scrolls" aria-label="Settings">
          {parts.map(({ name, label }) => (
            <Link
              key={name}
              href={`/desk/${desk.clinic.slug}/settings?part=${name}`}
              aria-current={name === shown.name ? 'page' : undefined}
            >
              {label}
            </Link>
          ))}
        </nav>
      </header>
      {shown.show(desk)}
    </div>
  )
}
