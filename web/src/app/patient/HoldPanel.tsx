import { useMutation } from '@tanstack/react-query'
import { TimerOff } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import {
  type Appointment,
  type Clinic,
  type Dentist,
  intervalMs,
  type Reservation,
  useChairtime,
  type useReservation,
} from '../../chairtime'
import { useAppointmentTypes, useClinics, useDentists, useFreshMe, useMe, useWhose } from '../data'
import { longDay } from '../format'
import { focusPage } from '../ui/Dialog'
import { Avatar, Button, ErrorNotice } from '../ui/parts'
import { Booked } from './Booked'
import { contactOf, GuestFields } from './GuestFields'
import { Ring } from './Ring'
import { changeRuleFor } from './rules'
import { Times } from './Times'

/** What a reservation or an appointment is about, wherever the page may be just now. */
function useNames(row: Reservation | Appointment | null | undefined) {
  const clinic = useClinics().data?.find(({ id }) => id === row?.clinic_id)
  const types = useAppointmentTypes(row?.clinic_id).data
  const dentists = useDentists(row?.clinic_id).data
  return {
    clinic,
    title: types?.find(({ id }) => id === row?.appointment_type_id)?.name ?? 'Visit',
    dentist: dentists?.find(({ id }) => id === row?.dentist_id),
  }
}

/** The time that is held, counting down; then the booking, or the news that the hold has ended. */
export function HoldPanel({ hold }: { hold: ReturnType<typeof useReservation> }) {
  const panel = useRef<HTMLElement>(null)
  const { reservation, secondsLeft, hasExpired, confirm } = hold
  const booked = confirm.data
  const { clinic, title, dentist } = useNames(reservation ?? booked)
  useEffect(() => {
    if (reservation || hasExpired || booked) panel.current?.focus({ preventScroll: true })
  }, [reservation, hasExpired, booked])
  const isShown = Boolean(reservation || hasExpired || booked)
  useEffect(
    () => () => {
      if (isShown && document.activeElement === document.body) focusPage()
    },
    [isShown],
  )
  if (!isShown) return null
  return (
    <section ref={panel} className="panel" aria-label="Your booking" tabIndex={-1}>
      {reservation && clinic && secondsLeft !== null && (
        <Held
          key={reservation.id}
          hold={hold}
          secondsLeft={secondsLeft}
          title={title}
          dentist={dentist}
          clinic={clinic}
        />
      )}
      {!reservation && hasExpired && <Ended onDismiss={hold.dismiss} />}
      {!reservation && !hasExpired && booked && clinic && (
        <Booked
          appointment={booked}
          title={`${title} at ${clinic.name}`}
          clinic={clinic}
          dentist={dentist}
          onClose={confirm.reset}
        />
      )}
    </section>
  )
}

function Ended({ onDismiss }: { onDismiss(): void }) {
  return (
    <div className="panel-end" role="alert">
      <TimerOff size={22} aria-hidden="true" />
      <div>
        <h2>Your hold has ended</h2>
        <p className="muted">The time is free for others again. If nobody took it, pick it once more.</p>
      </div>
      <Button className="small" onClick={onDismiss}>
        Got it
      </Button>
    </div>
  )
}

interface HeldProps {
  hold: ReturnType<typeof useReservation>
  secondsLeft: number
  title: string
  dentist: Dentist | undefined
  clinic: Clinic
}

function Held({ hold, secondsLeft, title, dentist, clinic }: HeldProps) {
  const [notes, setNotes] = useState('')
  const client = useChairtime()
  const { reservation, confirm, release } = hold
  const { data: me } = useMe()
  const freshMe = useFreshMe()
  const isStranger = me?.lacks_contact ?? false
  const whose = useWhose()(reservation?.patient_id)
  const book = useMutation({
    mutationFn: async (form: FormData) => {
      if (isStranger) await client.rpc('update_me', contactOf(form))
      await confirm.mutateAsync({ notes })
      // Also the record that the first booking has made.
      void freshMe()
    },
  })
  if (!reservation) return null
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        book.mutate(new FormData(event.currentTarget))
      }}
    >
      <div className="panel-top">
        <Ring secondsLeft={secondsLeft} total={intervalMs(clinic.hold_duration) / 1000} />
        <div className="panel-what">
          <h2>{longDay(reservation.starts_at, clinic.time_zone)}</h2>
          <Times from={reservation.starts_at} until={reservation.ends_at} zone={clinic.time_zone} />
        </div>
      </div>
      <p className="panel-who">
        {dentist && <Avatar name={dentist.full_name} small />}
        <span>
          <strong className="clip" title={title}>
            {title}
            {whose && ` for ${whose}`}
          </strong>
          <span className="clip muted">
            {dentist && `with ${dentist.full_name} `}at {clinic.name}
          </span>
        </span>
      </p>
      {isStranger && <GuestFields />}
      <label className="field">
        <span>Anything the dentist should know?</span>
        <textarea
          className="input"
          rows={2}
          maxLength={2000}
          value={notes}
          placeholder="Optional"
          onChange={(event) => setNotes(event.target.value)}
        />
      </label>
      <p className="muted small-text">{changeRuleFor(reservation.starts_at, client.clock.now(), clinic)}</p>
      <ErrorNotice error={book.error} />
      <div className="panel-actions">
        <Button className="quiet" onClick={() => void release()}>
          Give it back
        </Button>
        <Button type="submit" className="primary" busy={book.isPending}>
          Confirm booking
        </Button>
      </div>
    </form>
  )
}
