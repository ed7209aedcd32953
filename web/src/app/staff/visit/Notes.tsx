import { useMutation } from '@tanstack/react-query'
import { type ChangeEvent, useState } from 'react'
import { type DayAppointment, useChairtime } from '../../../chairtime'
import { TextAreaField } from '../../ui/fields'
import { Button, ErrorNotice } from '../../ui/parts'
import { useUndo } from '../../ui/Toasts'

interface Props {
  appointment: DayAppointment
  onSaved(): void
  onClose(): void
}

type Said = { notes?: string; staff_notes?: string }

/** What patient and clinic both read of an appointment, and what the staff note for each other. */
export function Notes({ appointment, onSaved, onClose }: Props) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const shared = useDraft(appointment.notes)
  const internal = useDraft(appointment.staff_notes)
  const write = (said: Said, version: number) =>
    client.rpc('update_appointment', {
      appointment_id: appointment.id,
      expected_version: version,
      ...said,
    })
  const save = useMutation({
    mutationFn: () =>
      write(
        {
          ...(shared.isChanged ? { notes: shared.text } : {}),
          ...(internal.isChanged ? { staff_notes: internal.text } : {}),
        },
        appointment.version,
      ),
    onSuccess: ({ version }) => {
      onSaved()
      // Beneath the dialog nobody could reach the way back.
      onClose()
      offerUndo('The notes are saved.', async () => {
        await write(
          {
            ...(shared.isChanged ? { notes: shared.before } : {}),
            ...(internal.isChanged ? { staff_notes: internal.before } : {}),
          },
          version,
        )
        onSaved()
      })
    },
  })
  return (
    <div className="stack">
      <TextAreaField
        label="Notes"
        name="notes"
        rows={2}
        maxLength={4000}
        hint="The patient reads them, too."
        {...shared.props}
      />
      <div className="staff-only">
        <TextAreaField
          label="Staff notes"
          name="staff_notes"
          rows={2}
          maxLength={4000}
          hint="Only the staff reads them, never the patient."
          {...internal.props}
        />
      </div>
      <ErrorNotice error={save.error} />
      {(shared.isChanged || internal.isChanged) && (
        <div className="actions">
          <Button className="small" busy={save.isPending} onClick={() => save.mutate()}>
            Save notes
          </Button>
        </div>
      )}
    </div>
  )
}

/** A text that is being edited; where somebody else has written meanwhile, who has not, reads it. */
function useDraft(stored: string | null) {
  const before = stored ?? ''
  const [text, setText] = useState(before)
  const [base, setBase] = useState(before)
  if (before !== base) {
    setBase(before)
    if (text === base) setText(before)
  }
  return {
    text,
    before,
    isChanged: text !== before,
    props: {
      value: text,
      onChange: (event: ChangeEvent<HTMLTextAreaElement>) => setText(event.target.value),
    },
  }
}
