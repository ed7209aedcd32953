import { X } from 'lucide-react'
import { type ReactNode, useCallback, useEffect, useId, useRef } from 'react'

interface Props {
  title: string
  onClose(): void
  wide?: boolean
  children: ReactNode
}

/** A modal on the browser's own <dialog>: focus is kept inside and given back, Escape and the backdrop close it. */
export function Dialog({ title, onClose, wide = false, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null)
  const opener = useRef<Element>(null)
  const titleId = useId()
  const show = useCallback((header: HTMLElement | null) => {
    const dialog = header?.closest('dialog')
    if (!dialog || dialog.open) return
    opener.current = document.activeElement
    dialog.showModal()
  }, [])
  useEffect(() => {
    const dialog = ref.current
    return () => {
      dialog?.close()
      if (opener.current instanceof HTMLElement && opener.current.isConnected) opener.current.focus()
      else focusPage()
    }
  }, [])
  return (
    // A press on the backdrop arrives at the dialog itself; Escape does the same for the keyboard.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={ref}
      className={wide ? 'dialog wide' : 'dialog'}
      aria-labelledby={titleId}
      onCancel={(event) => {
        if (event.target !== ref.current) return
        event.preventDefault()
        onClose()
      }}
      onMouseDown={(event) => event.target === ref.current && isOutside(event, ref.current) && onClose()}
    >
      {/* The header mounts before the body: a field there that wants the focus gets none while nothing is shown. */}
      <header ref={show}>
        <h2 id={titleId}>{title}</h2>
        <button type="button" className="btn quiet icon small" aria-label="Close" onClick={onClose}>
          <X size={18} />
        </button>
      </header>
      <div className="body">{children}</div>
    </dialog>
  )
}

/** Where what had the focus is gone, the page gets it: the keyboard goes on from there, and not from the very top. */
export function focusPage(): void {
  document.getElementById('main')?.focus({ preventScroll: true })
}

function isOutside(event: { clientX: number; clientY: number }, dialog: HTMLElement): boolean {
  const box = dialog.getBoundingClientRect()
  return (
    event.clientX < box.left ||
    event.clientX > box.right ||
    event.clientY < box.top ||
    event.clientY > box.bottom
  )
}
