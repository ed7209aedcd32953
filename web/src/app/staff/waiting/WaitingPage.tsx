import { Link, useSearchParams } from 'wouter'
import { PageTitle } from '../../ui/parts'
import type { DeskProps } from '../Desk'
import { RecallList } from './RecallList'
import { WaitingList } from './WaitingList'

const parts = [
  { name: 'list', label: 'Waiting list', show: ({ clinic }: DeskProps) => <WaitingList clinic={clinic} /> },
  { name: 'recalls', label: 'Due', show: ({ clinic }: DeskProps) => <RecallList clinic={clinic} /> },
] as const

/** Who waits for a time, and whom to call because they are due. */
export function WaitingPage(desk: DeskProps) {
  const [search] = useSearchParams()
  const shown = parts.find(({ name }) => name === search.get('show')) ?? parts[0]
  return (
    <div className="page">
      <header className="page-head">
        <PageTitle tab={shown.label}>Waiting</PageTitle>
        <nav className="segmented scrolls" aria-label="Waiting">
          {parts.map(({ name, label }) => (
            <Link
              key={name}
              href={`/desk/${desk.clinic.slug}/waiting?show=${name}`}
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
