import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type Clinic, useChairtime } from '../../chairtime'
import { instantAt, today } from '../format'
import { Button, ErrorNotice } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { Affected } from './Affected'

interface Props {
  clinic: Clinic
  /** Null: the whole clinic, and nobody else. */
  dentistId: string | null
  mayCloseClinic: boolean
  onChanged(): void
}

/** Time off for a dentist or everybody. Adding takes two steps: see who is in the way, then do it. */
export function TimeOffForm({ clinic, dentistId, mayCloseClinic, onChanged }: Props) {
  const client = useChairtime()
  const say = useToast()
  const zone = clinic.time_zone
  const [from, setFrom] = useState(`${today(zone)}T09:00`)
  const [until, setUntil] = useState(`${today(zone)}T17:00`)
  const [reason, setReason] = useState('')
  const [isWholeClinic, setWholeClinic] = useState(dentistId === null)
  const send = (options: { dry_run: boolean; on_conflict: 'reject' | 'cancel' }) =>
    client.rpc('add_time_off', {
      clinic_id: clinic.id,
      starts_at: asInstant(from, zone),
      ends_at: asInstant(until, zone),
      ...(isWholeClinic || dentistId === null ? {} : { dentist_id: dentistId }),
      ...(reason ? { reason } : {}),
      ...options,
    })
  const preview = useMutation({ mutationFn: () => send({ dry_run: true, on_conflict: 'reject' }) })
  const save = useMutation({
    mutationFn: (on_conflict: 'reject' | 'cancel') => send({ dry_run: false, on_conflict }),
    onSuccess: () => {
      say(dentistId === null ? 'The closure is in the calendar.' : 'The time off is in the calendar.')
      preview.reset()
      setReason('')
      onChanged()
    },
  })
  const edited = (set: (value: string) => void) => (event: { target: { value: string } }) => {
    preview.reset()
    save.reset()
    set(event.target.value)
  }
  const inTheWay = preview.data?.appointments ?? []
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        preview.mutate()
      }}
    >
      <div className="cols">
        <label className="field">
          <span>From</span>
          <input
            className="input small"
            type="datetime-local"
            required
            value={from}
            onChange={edited(setFrom)}
          />
        </label>
        <label className="field">
          <span>Until</span>
          <input
            className="input small"
            type="datetime-local"
            required
            value={until}
            onChange={edited(setUntil)}
          />
        </label>
      </div>
      <label className="field">
        <span>Reason</span>
        <input
          className="input small"
          maxLength={500}
          value={reason}
          placeholder="Optional; only staff see it"
          onChange={edited(setReason)}
        />
      </label>
      {mayCloseClinic && dentistId !== null && (
        <label className="toolbar">
          <input
            type="checkbox"
            checked={isWholeClinic}
            onChange={(event) => {
              preview.reset()
              setWholeClinic(event.target.checked)
            }}
          />
          The whole clinic is closed
        </label>
      )}
      <ErrorNotice error={preview.error ?? save.error} />
      {preview.data && (
        <Affected
          appointments={inTheWay}
          zone={zone}
          fate="would be cancelled. Move them first if you can."
        />
      )}
      <div className="toolbar">
        {!preview.data && (
          <Button type="submit" busy={preview.isPending}>
            {dentistId === null ? 'Preview closure' : 'Preview time off'}
          </Button>
        )}
        {preview.data && inTheWay.length === 0 && (
          <Button className="primary" busy={save.isPending} onClick={() => save.mutate('reject')}>
            {dentistId === null ? 'Close the clinic' : 'Add time off'}
          </Button>
        )}
        {inTheWay.length > 0 && (
          <Button className="danger solid" busy={save.isPending} onClick={() => save.mutate('cancel')}>
            Add, and cancel {inTheWay.length === 1 ? 'the appointment' : `${inTheWay.length} appointments`}
          </Button>
        )}
      </div>
    </form>
  )
}

/** A `datetime-local` value in the clinic's time. */
function asInstant(local: string, zone: string): string {
  const [day, time] = local.split('T') as [string, string]
  return instantAt(day, time, zone)
}
