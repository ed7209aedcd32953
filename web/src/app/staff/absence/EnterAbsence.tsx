import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type Clinic,
  type Dentist,
  type Period,
  type Resource,
  type TimeOffChange,
  useChairtime,
} from '../../../chairtime'
import { Button, ErrorNotice, Notice } from '../../ui/parts'
import { useUndo } from '../../ui/Toasts'
import { type Absence, WHOLE_CLINIC } from './AbsencePage'
import type { useWorklist } from './useWorklist'

interface Props {
  clinic: Clinic
  absence: Absence
  period: Period
  people: Dentist[]
  things: Resource[]
  mayCloseClinic: boolean
  work: ReturnType<typeof useWorklist>
  onEdit(absence: Absence): void
}

/**
 * Who is away from when until when; entered when nobody is in the way, or with those who are left cancelled. Until they are
 * handled, the time can be blocked for everybody else.
 */
export function EnterAbsence(props: Props) {
  const { clinic, absence, period, people, things, mayCloseClinic, work, onEdit } = props
  const [reason, setReason] = useState('')
  const enter = useEnter(clinic, absence.who, period, reason, () => {
    setReason('')
    work.refresh()
  })
  const left = work.entries?.length ?? 0
  const isBlocked = enter.data?.on_conflict === 'keep'
  const edit = (part: Partial<Absence>) => {
    enter.reset()
    onEdit({ ...absence, ...part })
  }
  return (
    <form
      className="card panel-card"
      aria-label="Absence"
      onSubmit={(event) => {
        event.preventDefault()
        enter.mutate('reject')
      }}
    >
      <div className="cols">
        <label className="field">
          <span>Who is away?</span>
          <select
            className="input"
            required
            value={absence.who}
            onChange={(event) => edit({ who: event.target.value })}
          >
            <option value="">Choose…</option>
            <optgroup label="People">
              {people.map(({ id, full_name }) => (
                <option key={id} value={id}>
                  {full_name}
                </option>
              ))}
            </optgroup>
            {things.length > 0 && (
              <optgroup label="Out of order">
                {things.map(({ id, name }) => (
                  <option key={id} value={id}>
                    {name}
                  </option>
                ))}
              </optgroup>
            )}
            {mayCloseClinic && <option value={WHOLE_CLINIC}>The whole clinic is closed</option>}
          </select>
        </label>
        <label className="field">
          <span>From</span>
          <input
            className="input"
            type="datetime-local"
            required
            value={absence.from}
            onChange={(event) => event.target.value && edit({ from: event.target.value })}
          />
        </label>
        <label className="field">
          <span>Until</span>
          <input
            className="input"
            type="datetime-local"
            required
            min={absence.from}
            value={absence.until}
            onChange={(event) => event.target.value && edit({ until: event.target.value })}
          />
        </label>
        <label className="field">
          <span>Reason</span>
          <input
            className="input"
            maxLength={500}
            value={reason}
            placeholder="Optional; only staff see it"
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
      </div>
      <ErrorNotice error={enter.error} />
      <div className="toolbar">
        {isBlocked && <Notice>The time is blocked: nobody else can be booked in it.</Notice>}
        {left === 0 && !isBlocked && (
          <Button type="submit" className="primary" busy={enter.isPending} disabled={!work.entries}>
            Enter absence
          </Button>
        )}
        {left > 0 && !isBlocked && (
          <Button className="primary" busy={enter.isPending} onClick={() => enter.mutate('keep')}>
            Block the time, keep the {left === 1 ? 'visit' : `${left} visits`}
          </Button>
        )}
        {left > 0 && (
          <Button className="danger" busy={enter.isPending} onClick={() => enter.mutate('cancel')}>
            Enter, and cancel {left === 1 ? 'the one left' : `the ${left} left`}
          </Button>
        )}
      </div>
    </form>
  )
}

/** Enters the absence; taken back, it is as if it had not been: who was cancelled for it is booked again. */
function useEnter(clinic: Clinic, who: string, period: Period, reason: string, onEntered: () => void) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const takeBack = async ({ closure_id, time_off, appointments, on_conflict }: TimeOffChange) => {
    for (const id of closure_id ? [closure_id] : time_off.map((row) => row.id)) {
      await client.rpc('remove_time_off', { time_off_id: id })
    }
    for (const { appointment_id } of on_conflict === 'cancel' ? appointments : []) {
      await client.rpc('set_appointment_status', { appointment_id, status: 'booked' })
    }
  }
  const enter = useMutation({
    mutationFn: (on_conflict: TimeOffChange['on_conflict']) =>
      client.rpc('add_time_off', {
        clinic_id: clinic.id,
        ...period,
        // A person is the resource of the same id.
        ...(who === WHOLE_CLINIC ? {} : { resource_id: who }),
        ...(reason ? { reason } : {}),
        on_conflict,
      }),
    onSuccess: (change) => {
      onEntered()
      const said = change.on_conflict === 'keep' ? 'The time is blocked.' : 'The absence is in the calendar.'
      offerUndo(said, () =>
        takeBack(change).finally(() => {
          onEntered()
          enter.reset()
        }),
      )
    },
  })
  return enter
}
