import { Clock, CloudOff, RefreshCw, Unlink } from 'lucide-react'
import { useEffect, useState } from 'react'
import { Button, Skeleton } from '../ui/parts'
import { Frame } from './Frame'
import { pageFor } from './refusals'
import { useTitle } from './view'
import type { Words } from './words'

const SLOW = 4000
const icons = { invalid: Unlink, tooMany: Clock, broken: CloudOff }

interface Props {
  words: Words
  error: Error
  retry(): void
}

/** Why there is no visit to show. A link that never was and one that has ended say the same. */
export function NoVisit({ words, error, retry }: Props) {
  const page = pageFor(error)
  const Icon = icons[page]
  const { title, text } = words[page]
  useTitle(title)
  return (
    <Frame>
      <div className="empty" role="alert">
        <Icon aria-hidden="true" />
        <h1>{title}</h1>
        <p>{text}</p>
        {page !== 'invalid' && (
          <Button className="primary" onClick={retry}>
            <RefreshCw size={16} aria-hidden="true" /> {words.retry}
          </Button>
        )}
      </div>
    </Frame>
  )
}

/** While the visit is on its way: that it is, that it takes long, or that nobody answers. */
export function LinkOpening({ words, failure }: { words: Words; failure: Error | null }) {
  const [isSlow, setSlow] = useState(false)
  useTitle(words.title)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW)
    return () => clearTimeout(timer)
  }, [])
  return (
    <Frame>
      {failure ? (
        <div className="empty" role="alert">
          <CloudOff aria-hidden="true" />
          <h1>{words.offline.title}</h1>
          <p>{words.offline.text}</p>
        </div>
      ) : (
        <div className="card link-card">
          <h1 className="sr-only">{words.title}</h1>
          <p role="status" className="muted">
            {isSlow ? words.slow : words.loading}
          </p>
          {[34, 22, 90, 52].map((height) => (
            <Skeleton key={height} height={height} />
          ))}
        </div>
      )}
    </Frame>
  )
}
