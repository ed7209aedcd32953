import { ChairtimeError, type Slot } from '../../../chairtime'
import { nearTime } from '../../format'
import { Button } from '../../ui/parts'

interface Props {
  error: Error | null
  zone: string
  onPick(slot: Slot): void
}

/** A taken slot comes with up to three free ones near it. */
export function Alternatives({ error, zone, onPick }: Props) {
  if (!(error instanceof ChairtimeError) || error.code !== 'slot_taken' || !Array.isArray(error.details))
    return null
  const slots = error.details as Slot[]
  return (
    <div className="toolbar" role="group" aria-label="Free instead">
      {slots.map((slot) => (
        <Button key={`${slot.dentist_id}${slot.starts_at}`} className="small" onClick={() => onPick(slot)}>
          {nearTime(slot.starts_at, zone)}
        </Button>
      ))}
    </div>
  )
}
