import type { Clinic } from '../../../chairtime'
import { MessagePolicy } from './MessagePolicy'
import { MessageRules } from './MessageRules'

/** What the clinic sends by itself, when it wakes nobody, and in which language. */
export function MessageSettings({ clinic }: { clinic: Clinic }) {
  return (
    <div className="stack">
      <MessageRules clinic={clinic} />
      <MessagePolicy clinic={clinic} />
    </div>
  )
}
