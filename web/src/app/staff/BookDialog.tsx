import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { ChairtimeError, type Clinic, idempotent, intervalMs, type Slot, useChairtime } from '../../chairtime'
import { useAppointmentTypes, useDentists } from '../data'
import { clockTime, dayOf, duration, instantAt, longDay, timeInput } from '../format'
import { Dialog } from '../ui/Dialog'
import { Button, ErrorNotice, Notice } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { PatientPicker, type Who } from './PatientPicker'

/** What is known when the dialog opens: a click on the board knows dentist and time, the button only the day. */
export interface BookDraft {
  day: string
  dentistId?: string
  startsAt?: string
}

interface Props {
  clinic: Clinic
  draft: BookDraft
  /** Set for a dentist, who books into their own calendar. */
  dentistId: string | null
  onClose(): void
}

interface Wanted {
  dentist_id: string
  appointment_type_id: string
  starts_at: string
  notes?: string
}

/** Books for a patient of the clinic or for somebody who has just walked in. */
export function BookDialog({ clinic, draft, dentistId, onClose }: Props) {
  const client = useChairtime()
  const say = useToast()
  const zone = clinic.time_zone
  const [who, setWho] = useState<Who>(null)
  const [day, setDay] = useState(draft.startsAt ? dayOf(draft.startsAt, zone) : draft.day)
  const [time, setTime] = useState(draft.startsAt ? timeInput(draft.startsAt, zone) : '')
  const [dentist, setDentist] = useState(draft.dentistId ?? dentistId ?? '')
  const dentists = useDentists(clinic.id).data?.filter(
    ({ id, is_active }) => is_active && (!dentistId || id === dentistId),
  )
  const types = useAppointmentTypes(clinic.id).data?.filter(({ is_active }) => is_active)

  const book = useMutation({
    mutationFn: async (wanted: Wanted) => {
      const patient_id = await patientOf(who)
      return idempotent((idempotency_key) =>
        client.rpc('book_appointment', { ...wanted, patient_id, idempotency_key }),
      )
    },
    onSuccess: (appointment) => {
      say(`Booked: ${longDay(appointment.starts_at, zone)}, ${clockTime(appointment.starts_at, zone)}.`)
      onClose()
    },
  })
  const patientOf = async (chosen: Who): Promise<string> => {
    if (chosen?.kind === 'known') return chosen.patient.id
    const { name, phone } = chosen as { name: string; phone: string }
    const patient = await client.rpc('create_patient', {
      clinic_id: clinic.id,
      full_name: name,
      ...(phone ? { phone } : {}),
    })
    // Remembered, so that a second attempt at another time does not register the person twice.
    setWho({ kind: 'known', patient })
    return patient.id
  }
  const submit = (form: FormData) =>
    book.mutate({
      dentist_id: dentist,
      appointment_type_id: String(form.get('type')),
      starts_at: instantAt(day, time, zone),
      ...(form.get('notes') ? { notes: String(form.get('notes')) } : {}),
    })
  return (
    <Dialog title="Book an appointment" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          submit(new FormData(event.currentTarget))
        }}
      >
        <PatientPicker clinicId={clinic.id} who={who} onPick={setWho} />
        <div className="cols">
          <label className="field">
            <span>Visit</span>
            <select className="input" name="type" required>
              {types?.map((type) => (
                <option key={type.id} value={type.id}>
                  {type.name}, {duration(intervalMs(type.duration))}
                </option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>Dentist</span>
            <select
              className="input"
              required
              value={dentist}
              onChange={(event) => setDentist(event.target.value)}
            >
              {dentist === '' && <option value="">Choose…</option>}
              {dentists?.map(({ id, full_name }) => (
                <option key={id} value={id}>
                  {full_name}
                </option>
              ))}
            </select>
          </label>
        </div>
        <div className="cols">
          <label className="field">
            <span>Day</span>
            <input
              className="input"
              type="date"
              required
              value={day}
              onChange={(event) => setDay(event.target.value)}
            />
          </label>
          <label className="field">
            <span>Time</span>
            <input
              className="input"
              type="time"
              required
              value={time}
              onChange={(event) => setTime(event.target.value)}
            />
          </label>
        </div>
        <label className="field">
          <span>Notes</span>
          <input className="input" name="notes" maxLength={4000} placeholder="Optional" />
        </label>
        {(types?.length === 0 || dentists?.length === 0) && (
          <Notice tone="warn">
            {types?.length === 0
              ? 'The clinic offers no kind of visit yet: an administrator has to add one first.'
              : 'No dentist takes appointments just now.'}
          </Notice>
        )}
        <ErrorNotice error={book.error} />
        <Alternatives
          error={book.error}
          zone={zone}
          onPick={(slot) => {
            setDentist(slot.dentist_id)
            setDay(dayOf(slot.starts_at, zone))
            setTime(timeInput(slot.starts_at, zone))
            book.reset()
          }}
        />
        <div className="actions">
          <Button className="quiet" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" className="primary" busy={book.isPending} disabled={!isReady(who)}>
            Book
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function isReady(who: Who): boolean {
  return who?.kind === 'known' || (who?.kind === 'new' && who.name.trim() !== '')
}

/** A taken slot comes with up to three free ones near it. */
function Alternatives({
  error,
  zone,
  onPick,
}: {
  error: Error | null
  zone: string
  onPick(slot: Slot): void
}) {
  if (!(error instanceof ChairtimeError) || error.code !== 'slot_taken' || !Array.isArray(error.details))
    return null
  const slots = error.details as Slot[]
  return (
    <div className="toolbar" role="group" aria-label="Free instead">
      {slots.map((slot) => (
        <Button key={`${slot.dentist_id}${slot.starts_at}`} className="small" onClick={() => onPick(slot)}>
          {longDay(slot.starts_at, zone).split(',')[0]} {clockTime(slot.starts_at, zone)}
        </Button>
      ))}
    </div>
  )
}
