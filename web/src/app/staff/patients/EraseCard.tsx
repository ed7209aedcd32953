import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useChairtime } from '../../../chairtime'
import { Dialog } from '../../ui/Dialog'
import { FormError, TextField } from '../../ui/fields'
import { Button, Notice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import type { PartProps } from './PatientPage'

interface Props extends PartProps {
  /** How many visits are ahead: they are cancelled. */
  ahead: number | undefined
}

/** The right to be forgotten. */
export function EraseCard(props: Props) {
  const [isAsking, setAsking] = useState(false)
  return (
    <section className="card panel-card" aria-labelledby="erase">
      <h2 id="erase">Erase</h2>
      <p className="muted small-text">
        Who wants to be forgotten, is: nobody can be recognized any more, and only numbers stay.
      </p>
      <div className="toolbar">
        <Button className="danger" onClick={() => setAsking(true)}>
          Erase this patient…
        </Button>
      </div>
      {isAsking && <EraseDialog {...props} onClose={() => setAsking(false)} />}
    </section>
  )
}

function EraseDialog({ patient, clinic, ahead = 0, onClose }: Props & { onClose(): void }) {
  const client = useChairtime()
  const say = useToast()
  const [, navigate] = useLocation()
  const [typed, setTyped] = useState('')
  const erase = useMutation({
    mutationFn: (reason: string) => client.rpc('erase_patient', { patient_id: patient.id, reason }),
    onSuccess: () => {
      say('The patient is erased.')
      onClose()
      navigate(`/desk/${clinic.slug}/day`, { replace: true })
    },
  })
  return (
    <Dialog title={`Erase ${patient.full_name}?`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          erase.mutate(String(new FormData(event.currentTarget).get('reason')))
        }}
      >
        <Notice tone="bad">
          Name, contact, birth date, notes and guardians go, for good.{' '}
          {ahead > 0 && `${ahead === 1 ? 'The visit' : `The ${ahead} visits`} ahead will be cancelled. `}
          {patient.user_id && 'Their login stays, and no longer sees this record. '}
          Nobody can undo this.
        </Notice>
        <TextField
          label="Reason"
          name="reason"
          required
          maxLength={1000}
          hint="It is kept: it must not name anybody."
          placeholder="Asked in writing"
          error={erase.error}
        />
        <label className="field">
          <span>To be sure, type the name: {patient.full_name}</span>
          <input
            className="input small"
            autoComplete="off"
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <FormError error={erase.error} names={['reason']} />
        <div className="actions">
          <Button className="quiet" onClick={onClose}>
            Keep
          </Button>
          <Button
            type="submit"
            className="danger solid"
            busy={erase.isPending}
            disabled={typed.trim() !== patient.full_name}
          >
            Erase for good
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
