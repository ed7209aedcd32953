import { CircleAlert, Info, RefreshCw, TriangleAlert } from 'lucide-react'
import { type ButtonHTMLAttributes, type HTMLAttributes, type ReactNode, useEffect } from 'react'
import { explain } from '../messages'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  busy?: boolean
}

/** A button that keeps its size while it works, and cannot be pressed twice: a double click is meant once. */
export function Button({ busy, className = '', type = 'button', onClick, ...rest }: ButtonProps) {
  const works = busy !== undefined || type === 'submit'
  return (
    <button
      {...rest}
      type={type}
      className={`btn ${className}`}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (busy || (works && event.detail > 1)) event.preventDefault()
        else onClick?.(event)
      }}
    />
  )
}

/** Initials on a colour that always is the same for the same name. */
export function Avatar({ name, small = false }: { name: string; small?: boolean }) {
  return (
    <span
      className={small ? 'avatar small' : 'avatar'}
      style={{ '--hue': hueOf(name) } as React.CSSProperties}
      aria-hidden="true"
    >
      {initials(name)}
    </span>
  )
}

const HUES = [245, 300, 165, 355, 75, 205, 25, 130]

/** The hue for the nth of a few things that must be told apart. */
export function nthHue(index: number): number {
  return HUES.at(index % HUES.length) as number
}

function hueOf(text: string): number {
  let sum = 0
  for (const char of text) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 9973
  return nthHue(sum)
}

function initials(name: string): string {
  const words = name
    .replace(/^(dr|prof)\.?\s+/i, '')
    .split(/\s+/)
    .filter(Boolean)
  const first = words[0]?.[0] ?? '?'
  const last = words.length > 1 ? (words.at(-1)?.[0] ?? '') : ''
  return (first + last).toUpperCase()
}

/** A way to call a number: only its digits are dialled, however it is written. */
export function PhoneLink({ phone, children = phone }: { phone: string; children?: ReactNode }) {
  return (
    <a href={`tel:${phone.replaceAll(/[^+\d]/g, '')}`} className="num">
      {children}
    </a>
  )
}

const TONE_ICONS = { info: Info, warn: TriangleAlert, bad: CircleAlert, good: Info }

/** A message within the page. */
export function Notice({
  tone = 'info',
  children,
}: {
  tone?: 'info' | 'warn' | 'bad' | 'good'
  children: ReactNode
}) {
  const Icon = TONE_ICONS[tone]
  return (
    <div className={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <Icon size={17} aria-hidden="true" />
      <div>{children}</div>
    </div>
  )
}

/** What went wrong and what to do about it; nothing when there is no error. */
export function ErrorNotice({ error, retry }: { error: Error | null | undefined; retry?: () => void }) {
  if (!error) return null
  const { title, advice } = explain(error)
  return (
    <Notice tone="bad">
      <p>
        <strong>{title}</strong>
      </p>
      <p>{advice}</p>
      {retry && (
        <Button className="small quiet" onClick={retry}>
          <RefreshCw size={15} /> Try again
        </Button>
      )}
    </Notice>
  )
}

interface PageTitleProps extends HTMLAttributes<HTMLHeadingElement> {
  /** What the tab says instead. */
  tab?: string
  children: string
}

/** The heading of a page, and its name for the tab, the history and screen readers. */
export function PageTitle({ children, tab = children, ...rest }: PageTitleProps) {
  useEffect(() => {
    document.title = `${tab} · Chairtime`
  }, [tab])
  return <h1 {...rest}>{children}</h1>
}

interface EmptyProps {
  icon: ReactNode
  title: string
  /** True where this is all there is on the page: its title is then the page's heading. */
  isPage?: boolean
  children?: ReactNode
}

/** A page or panel with nothing in it yet, and what to do about that. */
export function Empty({ icon, title, isPage = false, children }: EmptyProps) {
  return (
    <div className="empty">
      {icon}
      {isPage ? <PageTitle>{title}</PageTitle> : <h2>{title}</h2>}
      {children}
    </div>
  )
}

/** A grey place where something will be. */
export function Skeleton({ height, width = '100%' }: { height: number | string; width?: number | string }) {
  return <div className="skeleton" style={{ height, width }} aria-hidden="true" />
}
