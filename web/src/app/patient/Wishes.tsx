import { Check, X } from 'lucide-react'
import { type Clinic, intervalMs, type OpenWish, useCountdown, useWaitlist } from '../../chairtime'
import { useAppointmentTypes, useDentists, useMe, useWhose } from '../data'
import { clockTime, longDay, today } from '../format'
import { focusPage } from '../ui/Dialog'
import { Button, ErrorNotice } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { soon, waitsFor } from '../waiting/words'
import { Ring } from './Ring'
import { Times } from './Times'

/** The wishes of whoever is signed in and of whom they act for. */
export function useMyWaitlist() {
  const { data: me } = useMe()
  const own = me?.memberships.map(({ patient_id }) => patient_id) ?? []
  const others = me?.dependants.map(({ patient_id }) => patient_id) ?? []
  return useWaitlist({ patientIds: [...own, ...others].filter((id) => id !== null).toSorted() })
}

type Waitlist = ReturnType<typeof useMyWaitlist>

/** What one waits for, and what has become free for one: a time that is held, and goes on to others unless it is accepted. */
export function Wishes({ waitlist, clinics }: { waitlist: Waitlist; clinics: Clinic[] }) {
  const { wishes, error, refresh } = waitlist
  if (!error && !wishes?.length) return null
  return (
    <section className="waits" aria-labelledby="waits">
      <h2 id="waits">Waiting list</h2>
      <ErrorNotice error={error} retry={refresh} />
      <ul aria-live="polite">
        {wishes?.map((wish) => {
          const clinic = clinics.find(({ id }) => id === wish.clinic_id)
          return clinic && <WishCard key={wish.id} wish={wish} clinic={clinic} waitlist={waitlist} />
        })}
      </ul>
    </section>
  )
}

interface CardProps {
  wish: OpenWish
  clinic: Clinic
  waitlist: Waitlist
}

function WishCard({ wish, clinic, waitlist }: CardProps) {
  const say = useToast()
  const dentists = useDentists(clinic.id).data
  const type = useAppointmentTypes(clinic.id).data?.find(({ id }) => id === wish.appointment_type_id)
  const whose = useWhose()(wish.patient_id)
  const { leave } = waitlist
  const isThis = leave.variables?.id === wish.id
  const nameOf = (id: string) => dentists?.find((each) => each.id === id)?.full_name
  const name = type?.name ?? 'Visit'
  const gone = () => {
    say('You are not on the waiting list any more.')
    focusPage()
  }
  return (
    <li className={wish.offer ? 'card wish offered' : 'card wish'} data-wish={wish.id}>
      <div>
        <h3>
          {name}
          {whose && <span className="whose"> for {whose}</span>}
          {wish.moves_appointment_id && <span className="muted">, earlier than booked</span>}
        </h3>
        <p className="muted small-text">{waitsFor(wish, nameOf, today(clinic.time_zone))}</p>
        <p className="muted small-text">{clinic.name}</p>
      </div>
      <div className="toolbar">
        <Button
          className="small quiet"
          busy={isThis && leave.isPending}
          aria-label={`Stop waiting: ${name}`}
          onClick={() => leave.mutate(wish, { onSuccess: gone })}
        >
          Stop waiting
        </Button>
      </div>
      {isThis && <ErrorNotice error={leave.error} />}
      {wish.offer && (
        <Offered wish={wish} offer={wish.offer} clinic={clinic} waitlist={waitlist} nameOf={nameOf} />
      )}
    </li>
  )
}

interface OfferedProps extends CardProps {
  offer: NonNullable<OpenWish['offer']>
  nameOf(dentistId: string): string | undefined
}

const HOUR = 3600

function Offered({ wish, offer, clinic, waitlist, nameOf }: OfferedProps) {
  const say = useToast()
  const left = useCountdown(offer.expires_at) ?? 0
  const { accept, decline } = waitlist
  const zone = clinic.time_zone
  const isThis = (action: typeof accept | typeof decline) =>
    action.variables?.reservation_id === offer.reservation_id
  const told = (text: string) => () => {
    say(text)
    focusPage()
  }
  const when = `${longDay(offer.starts_at, zone)} at ${clockTime(offer.starts_at, zone)}`
  return (
    <div className="wish-offer" role="group" aria-label={`Free for you: ${when}`}>
      {left > 0 && left <= HOUR && (
        <Ring secondsLeft={left} total={Math.min(HOUR, intervalMs(clinic.offer_duration) / 1000)} />
      )}
      <div>
        <strong>{longDay(offer.starts_at, zone)}</strong>
        <Times from={offer.starts_at} until={offer.ends_at} zone={zone} />
        <p className="small-text">
          {nameOf(offer.dentist_id) && `With ${nameOf(offer.dentist_id)}. `}
          {left > 0
            ? `Held for you until ${soon(offer.expires_at, zone)}.`
            : 'This is not held for you any more.'}
        </p>
      </div>
      <div className="toolbar">
        <Button
          className="primary"
          busy={isThis(accept) && accept.isPending}
          onClick={() =>
            accept.mutate(offer, {
              onSuccess: told(wish.moves_appointment_id ? `Moved to ${when}.` : `Booked: ${when}.`),
            })
          }
        >
          <Check size={17} aria-hidden="true" /> {wish.moves_appointment_id ? 'Move to this time' : 'Take it'}
        </Button>
        <Button
          busy={isThis(decline) && decline.isPending}
          onClick={() => decline.mutate(offer, { onSuccess: told('Thank you. You go on waiting.') })}
        >
          <X size={17} aria-hidden="true" /> Not this one
        </Button>
      </div>
      {isThis(accept) && <ErrorNotice error={accept.error} />}
      {isThis(decline) && <ErrorNotice error={decline.error} />}
    </div>
  )
}
