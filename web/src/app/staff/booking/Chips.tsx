import type { ReactNode } from 'react'

interface ChipsProps {
  label: string
  children: ReactNode
}

/** A few choices in a row, of which one is taken. */
export function Chips({ label, children }: ChipsProps) {
  return (
    <div className="chips" role="group" aria-label={label}>
      {children}
    </div>
  )
}

interface ChipProps {
  isPicked: boolean
  startsAt?: string
  onPick(): void
  children: ReactNode
}

export function Chip({ isPicked, startsAt, onPick, children }: ChipProps) {
  return (
    <button
      type="button"
      className="chip num"
      aria-pressed={isPicked}
      data-starts-at={startsAt}
      onClick={onPick}
    >
      {children}
    </button>
  )
}
