import { CalendarClock } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import {
  type Appointment,
  type AppointmentType,
  type Clinic,
  type Dentist,
  type ShownSlot,
  useAppointments,
  useAvailableSlots,
  useReservation,
  useSession,
} from '../../chairtime'
import { SignInForm } from '../account/SignInForm'
import { useAppointmentTypes, useClinics, useDentists } from '../data'
import { addDays, longDay, today } from '../format'
import { Dialog } from '../ui/Dialog'
import { Empty, ErrorNotice, Notice, Skeleton } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { explain } from '../messages'
import { Choices } from './Choices'
import { HoldPanel } from './HoldPanel'
import { MovePanel } from './MovePanel'
import { Week } from './Week'

const WEEK = 6

/** Choose a visit, watch the free times, hold one, confirm it. With `?move=<id>`, move an appointment instead. */
export function BookPage() {
  const [search, setSearch] = useSearchParams()
  const { moving, isLookedFor } = useMoving(search.get('move'))
  const clinics = useClinics()
  const clinicId = moving?.clinic_id
  const clinic =
    clinics.data?.find(({ id, slug }) => (clinicId ? id === clinicId : slug === search.get('clinic'))) ??
    clinics.data?.[0]
  const types = useAppointmentTypes(clinic?.id)
  const dentists = useDentists(clinic?.id)
  const type =
    types.data?.find(({ id }) => id === (moving?.appointment_type_id ?? search.get('type'))) ??
    types.data?.[0]
  const dentistId = dentistOf(search.get('dentist'), moving)
  const choose = (changes: Record<string, string | null>) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        for (const [key, value] of Object.entries(changes))
          if (value === null) next.delete(key)
          else next.set(key, value)
        return next
      },
      { replace: true },
    )

  if (clinics.error) return <ErrorNotice error={clinics.error} retry={() => clinics.refetch()} />
  if (clinics.data?.length === 0) {
    return (
      <Empty icon={<CalendarClock />} title="No clinic has opened its books yet">
        <p>As soon as one does, its free times appear here.</p>
      </Empty>
    )
  }
  return (
    <div className="book">
      <div className="book-head">
        <h1>{moving ? 'Choose a new time' : 'Book a visit'}</h1>
        {moving && clinic && (
          <Notice>
            Now on {longDay(moving.starts_at, clinic.time_zone)}. It stays yours until you have confirmed
            another time.
          </Notice>
        )}
      </div>
      {clinic && type && dentists.data && !isLookedFor ? (
        <Booking
          key={clinic.id}
          clinics={clinics.data ?? []}
          clinic={clinic}
          types={types.data ?? []}
          type={type}
          dentists={dentists.data.filter((dentist) => dentist.is_active)}
          dentistId={dentistId}
          from={search.get('from')}
          moving={moving}
          choose={choose}
        />
      ) : (
        <Loading />
      )}
    </div>
  )
}

/** The appointment that is being moved. Until it is known which, nothing must be picked. */
function useMoving(id: string | null): { moving: Appointment | undefined; isLookedFor: boolean } {
  const { appointments, isLoading } = useAppointments()
  const session = useSession()
  const moving = id ? appointments?.find((appointment) => appointment.id === id) : undefined
  return { moving, isLookedFor: id !== null && (session === undefined || isLoading) }
}

const ANY = 'any'

/** Null is any dentist. Who moves an appointment stays with the dentist unless they say otherwise. */
function dentistOf(chosen: string | null, moving: Appointment | undefined): string | null {
  return chosen === ANY ? null : (chosen ?? moving?.dentist_id ?? null)
}

interface BookingProps {
  clinics: Clinic[]
  clinic: Clinic
  types: AppointmentType[]
  type: AppointmentType
  dentists: Dentist[]
  dentistId: string | null
  from: string | null
  moving: Appointment | undefined
  choose(changes: Record<string, string | null>): void
}

function Booking({ clinics, clinic, types, type, dentists, dentistId, from, moving, choose }: BookingProps) {
  const zone = clinic.time_zone
  const session = useSession()
  const say = useToast()
  const firstDay = from && from > today(zone) ? from : today(zone)
  const lastDay = addDays(firstDay, WEEK)
  const live = useAvailableSlots({ appointmentType: type, fromDate: firstDay, toDate: lastDay, dentistId })
  const hold = useReservation()
  const [wanted, setWanted] = useState<ShownSlot | null>(null)
  const [target, setTarget] = useState<ShownSlot | null>(null)

  const reserve = (slot: ShownSlot) =>
    hold.reserve.mutate(
      { dentistId: slot.dentist_id, appointmentTypeId: type.id, startsAt: slot.starts_at },
      {
        onError: (error) => {
          say(`${explain(error).title}. ${explain(error).advice}`, 'bad')
          live.refresh()
        },
      },
    )
  const pick = (slot: ShownSlot) => {
    if (moving) setTarget(slot)
    else if (session) reserve(slot)
    else setWanted(slot)
  }
  const picked = target ?? hold.reservation
  return (
    <>
      <div className="book-grid">
        <Choices
          clinics={clinics}
          clinic={clinic}
          types={types}
          type={type}
          dentists={dentists}
          dentistId={dentistId}
          isMoving={moving !== undefined}
          choose={choose}
        />
        <Week
          slots={live.slots}
          error={live.error}
          retry={live.refresh}
          type={type}
          zone={zone}
          firstDay={firstDay}
          dentists={dentists}
          dentistId={dentistId}
          picked={picked}
          busyWith={hold.reserve.isPending ? hold.reserve.variables : null}
          onPick={pick}
          onTravel={(day) => choose({ from: day })}
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
      {moving && target ? (
        <MovePanel
          appointment={moving}
          slot={target}
          zone={zone}
          dentists={dentists}
          onClose={() => setTarget(null)}
        />
      ) : (
        <HoldPanel hold={hold} types={types} dentists={dentists} clinic={clinic} />
      )}
    </>
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

function Loading() {
  return (
    <div className="book-grid" role="status" aria-label="Loading">
      <div className="stack">
        <Skeleton height={74} />
        <Skeleton height={196} />
        <Skeleton height={240} />
      </div>
      <Skeleton height={620} />
    </div>
  )
}
