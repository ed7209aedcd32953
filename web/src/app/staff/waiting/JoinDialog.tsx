import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type Clinic, useChairtime, useJoinWaitlist } from '../../../chairtime'
import { leadersOf, useAppointmentTypes, useDentists, useDentistTypes } from '../../data'
import { today } from '../../format'
import { Dialog } from '../../ui/Dialog'
import { FormError, SelectField } from '../../ui/fields'
import { Button } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { WishFields } from '../../waiting/WishFields'
import { wishIn } from '../../waiting/words'
import { PatientPicker, type Who } from '../PatientPicker'
import { MaybeKnown, recordOf } from '../patients/register'
import { Similar } from '../patients/Similar'

interface Asked {
  form: FormData
  /** Who it turned out to be. */
  whom?: Who
  /** Somebody new, for sure. */
  isOther?: boolean
}

const priorities = [
  { value: '0', label: 'In turn' },
  { value: '5', label: 'Before others' },
  { value: '9', label: 'Before all' },
]
const names = ['from_time', 'to_time', 'from_date', 'to_date', 'priority']

/** Puts a patient, known or new, on the waiting list. */
export function JoinDialog({ clinic, onClose }: { clinic: Clinic; onClose(): void }) {
  const client = useChairtime()
  const say = useToast()
  const join = useJoinWaitlist()
  const [who, setWho] = useState<Who>(null)
  const [typeId, setTypeId] = useState<string | null>(null)
  const offers = useDentistTypes(clinic.id).data
  const dentists = useDentists(clinic.id).data?.filter(({ is_active }) => is_active)
  const types = useAppointmentTypes(clinic.id).data?.filter(
    ({ id, is_active }) => is_active && leadersOf(dentists, offers, id).length > 0,
  )
  const type = types?.find(({ id }) => id === typeId) ?? types?.[0]
  const send = useMutation({
    mutationFn: async ({ form, whom = who, isOther = false }: Asked) => {
      if (!type) return
      const patient_id = await recordOf(client, clinic.id, whom, { isOther, onKnown: setWho })
      const priority = Number(form.get('priority'))
      await join.mutateAsync({ appointment_type_id: type.id, patient_id, priority, ...wishIn(form) })
    },
    onSuccess: () => {
      say('They are on the waiting list.')
      onClose()
    },
  })
  const { error } = send
  return (
    <Dialog title="Add to the waiting list" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          send.mutate({ form: new FormData(event.currentTarget) })
        }}
      >
        <PatientPicker clinic={clinic} who={who} dentistId={null} onPick={setWho} />
        <div className="cols">
          <label className="field">
            <span>Visit</span>
            <select
              className="input small"
              required
              value={type?.id ?? ''}
              onChange={(event) => setTypeId(event.target.value)}
            >
              {types?.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <SelectField label="Asked" name="priority" defaultValue="0" options={priorities} error={error} />
        </div>
        <WishFields
          key={type?.id}
          dentists={leadersOf(dentists, offers, type?.id)}
          dentistId={null}
          firstDay={today(clinic.time_zone)}
          error={error}
        />
        {!(error instanceof MaybeKnown) && <FormError error={error} names={names} />}
        <Similar
          error={error}
          zone={clinic.time_zone}
          busy={send.isPending}
          onTake={(patient) => {
            const known: Who = { kind: 'known', patient }
            setWho(known)
            if (send.variables) send.mutate({ ...send.variables, whom: known })
          }}
          onOther={() => send.variables && send.mutate({ ...send.variables, isOther: true })}
        />
        <div className="actions stays">
          <Button className="quiet" onClick={onClose}>
            Close
          </Button>
          <Button
            type="submit"
            className="primary"
            busy={send.isPending}
            disabled={!type || who === null || (who.kind === 'new' && who.name.trim() === '')}
          >
            Put on the list
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
