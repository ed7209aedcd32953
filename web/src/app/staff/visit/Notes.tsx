import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type DayAppointment, useChairtime } from '../../../chairtime'
import { Button, ErrorNotice } from '../../ui/parts'
import { useUndo } from '../../ui/Toasts'

interface Props {
  appointment: DayAppointment
  onSaved(): void
  onClose(): void
}

/** What patient and clinic both read of an appointment. */
export function Notes({ appointment, onSaved, onClose }: Props) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const before = appointment.notes ?? ''
  const [notes, setNotes] = useState(before)
  const [base, setBase] = useState(before)
  if (before !== base) {
    // Somebody else has written: who has not, reads it.
    setBase(before)
    if (notes === base) setNotes(before)
  }
  const write = (text: string, version: number) =>
    client.rpc('update_appointment', {
      appointment_id: appointment.id,
      notes: text,
      expected_version: version,
    })
  const save = useMutation({
    mutationFn: () => write(notes, appointment.version),
    onSuccess: ({ version }) => {
      onSaved()
      // Beneath the dialog nobody could reach the way back.
      onClose()
      offerUndo('The notes are saved.', async () => {
        await write(before, version)
        onSaved()
      })
    },
  })
  return (
    <div className="stack">
      <label className="field">
        <span>Notes</span>
        <textarea
          className="input"
          rows={3}
          maxLength={4000}
          value={notes}
          onChange={(event) => setNotes(event.target.value)}
        />
      </label>
      <ErrorNotice error={save.error} />
      {notes !== before && (
        <div className="actions">
          <Button className="small" busy={save.isPending} onClick={() => save.mutate()}>
            Save notes
          </Button>
        </div>
      )}
    </div>
  )
}
