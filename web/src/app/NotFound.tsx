import { Compass } from 'lucide-react'
import { Link } from 'wouter'
import { Shell } from './Shell'
import { Empty } from './ui/parts'

export function NotFound() {
  return (
    <Shell>
      <Empty icon={<Compass />} title="There is nothing here">
        <p>The address may be mistyped, or the page has moved.</p>
        <Link href="/" className="btn primary">
          Go to the start
        </Link>
      </Empty>
    </Shell>
  )
}
