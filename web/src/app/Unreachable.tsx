import { PlugZap } from 'lucide-react'
import { Empty } from './ui/parts'

/** The page when not even the configuration could be read. */
export function Unreachable() {
  return (
    <main className="alone">
      <Empty icon={<PlugZap />} title="Chairtime cannot be reached" isPage>
        <p>The server did not answer. Check your connection and try again.</p>
        <button type="button" className="btn primary" onClick={() => location.reload()}>
          Try again
        </button>
      </Empty>
    </main>
  )
}
