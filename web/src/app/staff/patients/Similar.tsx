import type { FoundPatient } from '../../../chairtime'
import { Button, Notice } from '../../ui/parts'
import { FoundPerson } from './FoundPerson'
import { MaybeKnown } from './register'

interface Props {
  /** What registering somebody came to. */
  error: Error | null
  zone: string
  busy: boolean
  onTake(patient: FoundPatient): void
  /** It is somebody else, of much the same name. */
  onOther(): void
}

/** Who is there already and may be the one who is being registered. */
export function Similar({ error, zone, busy, onTake, onOther }: Props) {
  if (!(error instanceof MaybeKnown)) return null
  return (
    <div className="stack" role="group" aria-label="Known already?">
      <Notice tone="warn">
        <p role="alert">
          <strong>Is it one of these?</strong> Nobody is registered yet.
        </p>
      </Notice>
      <ul className="picker-list">
        {error.patients.map((patient) => (
          <li key={patient.id}>
            <button type="button" onClick={() => onTake(patient)}>
              <FoundPerson patient={patient} zone={zone} />
            </button>
          </li>
        ))}
      </ul>
      <div className="toolbar">
        <Button className="small" busy={busy} onClick={onOther}>
          No, somebody else: register them
        </Button>
      </div>
    </div>
  )
}
