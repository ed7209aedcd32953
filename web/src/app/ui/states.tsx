import { CloudOff, Compass, RefreshCw } from 'lucide-react'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { explain } from '../messages'
import { Button, Empty, ErrorNotice, Skeleton } from './parts'

/** The page when what it is made of could not be had. */
export function Broken({ error, retry }: { error: Error; retry(): void }) {
  const { title, advice } = explain(error)
  return (
    <div role="alert">
      <Empty icon={<CloudOff />} title={title} isPage>
        <p>{advice}</p>
        <div className="toolbar">
          <Button className="primary" onClick={retry}>
            <RefreshCw size={16} /> Try again
          </Button>
          <Link href="/" className="btn">
            Go to the start
          </Link>
        </div>
      </Empty>
    </div>
  )
}

/** The page when its address names something that is not there. */
export function Unknown({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Empty icon={<Compass />} title={title} isPage>
      {children}
    </Empty>
  )
}

interface LoadingProps {
  /** Why it takes longer: the failure of an attempt that is being repeated. */
  error?: Error | null
  heights: (number | string)[]
}

/** Grey places where a page will be, and the reason if it does not come. */
export function Loading({ error, heights }: LoadingProps) {
  return (
    <>
      <ErrorNotice error={error} />
      <div className="stack" role="status" aria-label="Loading">
        {heights.map((height, index) => (
          <Skeleton key={index} height={height} />
        ))}
      </div>
    </>
  )
}
