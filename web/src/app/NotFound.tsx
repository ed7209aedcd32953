import { Link } from 'wouter'
import { Unknown } from './ui/states'

export function NotFound() {
  return (
    <Unknown title="There is nothing here">
      <p>The address may be mistyped, or the page has moved.</p>
      <Link href="/" className="btn primary">
        Go to the start
      </Link>
    </Unknown>
  )
}
