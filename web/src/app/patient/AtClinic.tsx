import { CalendarClock } from 'lucide-react'
import {
  type Appointment,
  type AppointmentType,
  type Clinic,
  type Dentist,
  type useReservation,
  useSession,
} from '../../chairtime'
import { leadersOf, useAppointmentTypes, useDentists, useDentistTypes, useMe, useOfferedTypes } from '../data'
import { Empty, Notice } from '../ui/parts'
import { Loading } from '../ui/states'
import { Booking } from './Booking'
import { Choices } from './Choices'
import { Contact } from './Contact'
import type { Wish } from './useWanted'

interface Props {
  clinics: Clinic[]
  clinic: Clinic
  wish: Wish
  /** Given where one books; `moving` where one moves. */
  hold?: ReturnType<typeof useReservation>
  moving?: Appointment
}

/** What is wished for, as far as the clinic offers it to this person; where not, that is said and the next best is shown. */
export function AtClinic({ clinics, clinic, wish, hold, moving }: Props) {
  const session = useSession()
  const isGuest = !session || session.user.is_anonymous === true
  const { data: me } = useMe()
  const allTypes = useAppointmentTypes(clinic.id)
  const allDentists = useDentists(clinic.id)
  const offers = useDentistTypes(clinic.id)
  const offered = useOfferedTypes(allTypes.data)
  if (!allTypes.data || !allDentists.data || !offers.data || !offered.types) {
    const error = allTypes.error ?? allDentists.error ?? offers.error ?? offered.error
    return <Loading error={error} heights={[74, 560]} />
  }
  const active = allDentists.data.filter(({ is_active }) => is_active)
  const leaders = (typeId: string | undefined) => leadersOf(active, offers.data, typeId)
  const types = offered.types.filter(({ id }) => leaders(id).length > 0)
  const byId = (id: string | null | undefined) => allTypes.data?.find((each) => each.id === id)
  const wishedType = types.find(({ id }) => id === wish.type)
  const type = moving ? byId(moving.appointment_type_id) : (wishedType ?? types[0])
  const dentists = leaders(type?.id)
  const wishedDentist = wish.dentist ?? (wish.anyDentist ? null : (moving?.dentist_id ?? null))
  const dentist = dentists.find(({ id }) => id === wishedDentist)
  const choices = {
    clinics,
    clinic,
    types,
    type,
    dentists,
    dentistId: dentist?.id ?? null,
    isMoving: moving !== undefined,
    patientId: me?.dependants.some(
      ({ patient_id, clinic_id }) => patient_id === wish.patient && clinic_id === clinic.id,
    )
      ? wish.patient
      : null,
    hasMoreForKnown:
      isGuest && allTypes.data.some((each) => each.is_active && each.audience === 'known_patients'),
    choose: wish.choose,
  }
  if (!type || dentists.length === 0) {
    return (
      <div className="book-grid">
        <Choices {...choices} />
        <div className="card">
          <Empty icon={<CalendarClock />} title="Nothing can be booked here online">
            <p>
              {moving
                ? 'Visits like this one are no longer offered online. To move it, please call '
                : 'There are no visits online just now. Choose another clinic, or call '}
              <Contact clinic={clinic} />.
            </p>
          </Empty>
        </div>
      </div>
    )
  }
  return (
    <>
      {!moving && wish.type !== null && !wishedType && (
        <Notice tone="warn">
          <TypeGone clinic={clinic} wished={byId(wish.type)} shown={type} />
        </Notice>
      )}
      {wishedDentist !== null && !dentist && (
        <Notice tone="warn">
          <DentistGone wished={active.find(({ id }) => id === wishedDentist)} />
        </Notice>
      )}
      <Booking key={clinic.id} choices={{ ...choices, type }} from={wish.from} hold={hold} moving={moving} />
    </>
  )
}

interface TypeGoneProps {
  clinic: Clinic
  wished: AppointmentType | undefined
  shown: AppointmentType
}

function TypeGone({ clinic, wished, shown }: TypeGoneProps) {
  if (!wished?.is_active) {
    return <p>That kind of visit is no longer offered. You see times for: {shown.name}.</p>
  }
  return (
    <p>
      {wished.name} is not booked online by you: please call <Contact clinic={clinic} />. You see times for:{' '}
      {shown.name}.
    </p>
  )
}

function DentistGone({ wished }: { wished: Dentist | undefined }) {
  return (
    <p>
      {wished
        ? `${wished.full_name} does not do this kind of visit. You see everybody’s times.`
        : 'That dentist takes no appointments any more. You see everybody’s times.'}
    </p>
  )
}
