import type { ReactNode } from 'react'
import { Avatar } from '../ui/parts'

/** The page around a link's visit: whose it is, and no way about the app. */
export function Frame({ clinic, children }: { clinic?: string; children: ReactNode }) {
  return (
    <div className="link-page">
      {/* Nobody looks for this page, and nobody should find it. */}
      <meta name="robots" content="noindex" />
      {clinic && (
        <header>
          <Avatar name={clinic} />
          <bdi>{clinic}</bdi>
        </header>
      )}
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  )
}
