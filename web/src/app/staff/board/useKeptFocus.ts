import { useRef } from 'react'

/** A card that lands in another column is another element: the focus goes with it, unless the user took it elsewhere. */
export function useKeptFocus(board: React.RefObject<HTMLElement | null>) {
  const kept = useRef<string | null>(null)
  const forget = () => {
    kept.current = null
  }
  return {
    keepOn: (id: string) => {
      kept.current = id
      document.addEventListener('pointerdown', forget, { once: true })
    },
    restore: () => {
      if (!kept.current) return
      const card = board.current?.querySelector<HTMLElement>(`[data-appointment="${kept.current}"]`)
      const active = document.activeElement
      if (active === null || active === document.body) card?.focus()
      else if (active !== card) forget()
    },
  }
}
