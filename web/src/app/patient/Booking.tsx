import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type Appointment,
  type AppointmentType,
  intervalMs,
  type ShownSlot,
  useAvailableSlots,
  type useReservation,
  useChairtime,
  useSession,
} from '../../chairtime'
import { settled } from '../account/authWords'
import { SignInForm } from '../account/SignInForm'
import { addDays, ownZone, today } from '../format'
import { explain } from '../messages'
import { Dialog } from '../ui/Dialog'
import { useToast } from '../ui/Toasts'
import { Choices, type ChoicesProps } from './Choices'
import { MovePanel } from './MovePanel'
import { Waiting } from './Waiting'
import { Week } from './Week'

interface Props {
  choices: ChoicesProps & { type: AppointmentType }
  from: string | null
  /** The hold where one books, the appointment where one moves. */
  hold: ReturnType<typeof useReservation> | undefined
  moving: Appointment | undefined
}

const DAY = 86_400_000

/** The week of a clinic beside what was chosen, and what is held or about to be moved. */
export function Booking({ choices, from, hold, moving }: Props) {
  const { clinic, type, dentists, dentistId, patientId, choose } = choices
  const zone = clinic.time_zone
  const session = useSession()
  const client = useChairtime()
  const [showOwn, setShowOwn] = useState(false)
  const shownZone = showOwn ? ownZone : zone
  const lastDay = addDays(
    today(shownZone),
    Math.floor(intervalMs(type.booking_horizon ?? clinic.booking_horizon) / DAY),
  )
  const firstDay = within(today(shownZone), from, lastDay)
  // By another clock a day is made of parts of two of the clinic's days.
  const margin = shownZone === zone ? 0 : 1
  const live = useAvailableSlots({
    appointmentType: type,
    fromDate: addDays(firstDay, -margin),
    toDate: addDays(firstDay, 6 + margin),
    dentistId,
    leaderIds: dentists.map(({ id }) => id),
    appointmentId: moving?.id ?? null,
  })
  const reserve = useReserve(hold, type, dentistId, patientId, live.refresh)
  const [wanted, setWanted] = useState<ShownSlot | null>(null)
  const [target, setTarget] = useState<ShownSlot | null>(null)
  // Who has no account holds as a guest; where the project lets no guests in, they sign in first.
  const comeIn = useMutation({
    mutationFn: async (_slot: ShownSlot) => settled(await client.supabase.auth.signInAnonymously()),
    onSuccess: (_session, slot) => reserve(slot),
    onError: (_error, slot) => setWanted(slot),
  })
  const pick = (slot: ShownSlot) => {
    if (moving) setTarget(slot)
    else if (session) reserve(slot)
    else if (session === null) comeIn.mutate(slot)
  }
  return (
    <>
      <div className="book-grid">
        <Choices {...choices} />
        <Week
          slots={live.slots}
          error={live.error}
          retry={live.refresh}
          clinic={clinic}
          type={type}
          appointmentId={moving?.id ?? null}
          zone={zone}
          shownZone={shownZone}
          onZone={setShowOwn}
          firstDay={firstDay}
          lastDay={lastDay}
          dentists={dentists}
          dentistId={dentistId}
          picked={target ?? (hold?.reservation?.clinic_id === clinic.id ? hold.reservation : null)}
          busyWith={
            comeIn.isPending
              ? { dentistId, appointmentTypeId: type.id, startsAt: comeIn.variables.starts_at }
              : hold?.reserve.isPending
                ? hold.reserve.variables
                : null
          }
          onPick={pick}
          onTravel={(day) => choose({ from: day })}
          wait={
            <Waiting
              clinic={clinic}
              type={type}
              dentists={dentists}
              dentistId={dentistId}
              patientId={patientId}
              moving={moving}
            />
          }
        />
      </div>
      {wanted && (
        <Dialog title="Sign in to hold this time" onClose={() => setWanted(null)}>
          <SignInChoice
            onDone={() => {
              reserve(wanted)
              setWanted(null)
            }}
          />
        </Dialog>
      )}
      {moving && target && (
        <MovePanel
          key={target.dentist_id + target.starts_at}
          appointment={moving}
          slot={target}
          zone={zone}
          dentists={dentists}
          onClose={() => setTarget(null)}
        />
      )}
    </>
  )
}

/** Holding a slot of a type, with whoever is free where nobody is named; a refusal is told, and the list is read anew. */
function useReserve(
  hold: Props['hold'],
  type: AppointmentType,
  dentistId: string | null,
  patientId: string | null,
  refresh: () => void,
) {
  const say = useToast()
  return (slot: ShownSlot) =>
    hold?.reserve.mutate(
      {
        dentistId,
        appointmentTypeId: type.id,
        startsAt: slot.starts_at,
        ...(patientId ? { patientId } : {}),
      },
      {
        onError: (error) => {
          say(`${explain(error).title}. ${explain(error).advice}`, 'bad')
          refresh()
        },
      },
    )
}

function SignInChoice({ onDone }: { onDone(): void }) {
  const [mode, setMode] = useState<'in' | 'up'>('in')
  return (
    <>
      <SignInForm key={mode} mode={mode} onDone={onDone} />
      <button type="button" className="btn quiet wide" onClick={() => setMode(mode === 'in' ? 'up' : 'in')}>
        {mode === 'in' ? 'New here? Create an account' : 'I have an account'}
      </button>
    </>
  )
}

function within(first: string, day: string | null, last: string): string {
  if (day === null || day < first) return first
  return day > last ? last : day
}
