import { CircleAlert, CircleCheck, X } from 'lucide-react'
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useEffectEvent,
  useMemo,
  useState,
} from 'react'
import { explain } from '../messages'

interface Toast {
  id: number
  text: string
  tone: 'good' | 'bad'
  action: Action | undefined
}

/** What can still be done about what was said. */
interface Action {
  label: string
  run(): void
}

type Say = (text: string, tone?: Toast['tone'], action?: Action) => void

const SHOWN_FOR = 6000
const ACTION_SHOWN_FOR = 10_000
const ToastContext = createContext<Say>(() => {})

/** Short messages at the foot of the page, read out by screen readers. */
export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([])
  const dismiss = useCallback(
    (id: number) => setToasts((shown) => shown.filter((toast) => toast.id !== id)),
    [],
  )
  const say = useCallback<Say>((text, tone = 'good', action) => {
    const id = Date.now() + Math.random()
    setToasts((shown) => [
      ...shown.filter((toast) => toast.text !== text).slice(-2),
      { id, text, tone, action },
    ])
  }, [])
  return (
    <ToastContext value={useMemo(() => say, [say])}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map((toast) => (
          <ToastCard key={toast.id} toast={toast} onDismiss={() => dismiss(toast.id)} />
        ))}
      </div>
    </ToastContext>
  )
}

/** Goes by itself, but not under the hand: what a pointer or the focus is on stays. */
function ToastCard({ toast, onDismiss }: { toast: Toast; onDismiss(): void }) {
  const [isHeld, setHeld] = useState(false)
  const dismiss = useEffectEvent(onDismiss)
  const shownFor = toast.action ? ACTION_SHOWN_FOR : SHOWN_FOR
  useEffect(() => {
    if (isHeld) return
    const timer = setTimeout(() => dismiss(), shownFor)
    return () => clearTimeout(timer)
  }, [isHeld, shownFor])
  return (
    // Only that it stays under the hand: its buttons are what one presses.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={`toast ${toast.tone}`}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {toast.tone === 'good' ? <CircleCheck size={18} /> : <CircleAlert size={18} />}
      <span>{toast.text}</span>
      {toast.action && (
        <button
          type="button"
          className="toast-action"
          onClick={() => {
            toast.action?.run()
            onDismiss()
          }}
        >
          {toast.action.label}
        </button>
      )}
      <button type="button" aria-label="Dismiss" onClick={onDismiss}>
        <X size={16} />
      </button>
    </div>
  )
}

/** Says what was done, and offers to take it back; a refusal to do so is said, too. */
export function useUndo(): (text: string, undo: () => Promise<unknown>) => void {
  const say = useToast()
  return (text, undo) =>
    say(text, 'good', {
      label: 'Undo',
      run: () =>
        void undo().catch((error: Error) => say(`${explain(error).title}. ${explain(error).advice}`, 'bad')),
    })
}

/** Says something in a toast. */
export function useToast(): Say {
  return useContext(ToastContext)
}
