import { type ConnectionStatus, useConnectionStatus } from '../chairtime'

const words: Record<ConnectionStatus, { label: string; title: string; tone: string }> = {
  live: { label: 'Live', title: 'Changes appear here as they happen', tone: 'live' },
  idle: { label: 'Live', title: 'Connected', tone: 'idle' },
  connecting: { label: 'Connecting', title: 'Connecting to live updates', tone: 'wait' },
  recovering: { label: 'Catching up', title: 'Fetching what changed meanwhile', tone: 'wait' },
  down: {
    label: 'Reconnecting',
    title: 'Live updates are interrupted; what you see may be old',
    tone: 'down',
  },
  offline: { label: 'Offline', title: 'No network; what you see may be old', tone: 'down' },
}

/** A dot that says whether what is on the screen is live. */
export function Connection() {
  const status = useConnectionStatus()
  const { label, title, tone } = words[status]
  return (
    <span className={`connection ${tone}`} title={title} role="status" data-status={status}>
      <i aria-hidden="true" />
      <span>{label}</span>
    </span>
  )
}
