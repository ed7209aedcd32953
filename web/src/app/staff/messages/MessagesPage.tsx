import { Link, useSearchParams } from 'wouter'
import { PageTitle } from '../../ui/parts'
import type { DeskProps } from '../Desk'
import { CallList } from './CallList'
import { Inbox } from './Inbox'
import { InboxCount } from './InboxCount'
import { Troubled } from './Troubled'

const parts = [
  { name: 'calls', label: 'To confirm', show: ({ clinic }: DeskProps) => <CallList clinic={clinic} /> },
  { name: 'replies', label: 'Replies', show: ({ clinic }: DeskProps) => <Inbox clinic={clinic} /> },
  { name: 'trouble', label: 'Not delivered', show: ({ clinic }: DeskProps) => <Troubled clinic={clinic} /> },
] as const

/** Whom to call because nobody has confirmed, what people wrote back, and what did not arrive. */
export function MessagesPage(desk: DeskProps) {
  const [search] = useSearchParams()
  const shown = parts.find(({ name }) => name === search.get('show')) ?? parts[0]
  return (
    <div className="page">
      <header className="page-head">
        <PageTitle tab={`${shown.label}, messages`}>Messages</PageTitle>
        <nav className="segmented scrolls" aria-label="Messages">
          {parts.map(({ name, label }) => (
            <Link
              key={name}
              href={`/desk/${desk.clinic.slug}/messages?show=${name}`}
              aria-current={name === shown.name ? 'page' : undefined}
            >
              {label}
              {name === 'replies' && <InboxCount clinicId={desk.clinic.id} />}
            </Link>
          ))}
        </nav>
      </header>
      {shown.show(desk)}
    </div>
  )
}
