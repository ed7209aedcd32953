import { Notice } from '../../ui/parts'

interface Props {
  message: string | null
  isSqueezed: boolean
  /** Null where squeezing in would not help. */
  onSqueeze: ((isSqueezed: boolean) => void) | null
}

/** Why a time cannot be booked; where others are in the way, the way to book it on top of them, on purpose. */
export function Refused({ message, isSqueezed, onSqueeze }: Props) {
  return (
    <Notice tone="warn">
      <p>{message}</p>
      {onSqueeze && (
        <label className="toolbar">
          <input type="checkbox" checked={isSqueezed} onChange={(event) => onSqueeze(event.target.checked)} />
          Squeeze it in on top of others
        </label>
      )}
    </Notice>
  )
}
