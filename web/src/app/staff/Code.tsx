import { Copy } from 'lucide-react'
import { useState } from 'react'
import type { NewInvitation } from '../../chairtime'
import { fullTime } from '../format'
import { Button, Notice } from '../ui/parts'

interface Props {
  invitation: NewInvitation
  of: 'patient' | 'staff'
  zone: string
  /** What the one who joins must know. */
  children: React.ReactNode
}

/** The code of an invitation, which is told once, and its link. */
export function Code({ invitation: { code, expires_at }, of, zone, children }: Props) {
  return (
    <div className="stack">
      <Notice tone="warn">
        The code is shown only now. It works once, until{' '}
        <span className="num">{fullTime(expires_at, zone)}</span>.
      </Notice>
      <div className="code-row">
        <output className="code" aria-label="Code">
          {code}
        </output>
        <CopyButton what="code" text={code} />
        <CopyButton what="link" text={joinLink(of, code)} />
      </div>
      {children}
    </div>
  )
}

/** The code stands behind the `#`: no server is sent that, and none writes it down. */
export function joinLink(of: 'patient' | 'staff', code: string): string {
  return `${location.origin}/join?as=${of}#${code}`
}

function CopyButton({ what, text }: { what: string; text: string }) {
  const [state, setState] = useState<'copied' | 'refused' | null>(null)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setState('copied')
    } catch {
      setState('refused')
    }
  }
  return (
    <>
      <Button className="small" onClick={copy}>
        <Copy size={15} /> {state === 'copied' ? 'Copied' : `Copy ${what}`}
      </Button>
      <span className="sr-only" role="status">
        {state === 'copied' && `The ${what} is copied.`}
      </span>
      {state === 'refused' && (
        <input className="input small" aria-label={`The ${what}, to copy by hand`} readOnly value={text} />
      )}
    </>
  )
}
