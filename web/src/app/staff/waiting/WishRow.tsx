import { Link } from 'wouter'
import { type Clinic, type OpenWish, useCountdown, type useWaitlist } from '../../../chairtime'
import { dayOf, nearTime, today } from '../../format'
import { focusPage } from '../../ui/Dialog'
import { Button, ErrorNotice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { soon, waitsFor } from '../../waiting/words'
import type { BookDraft } from '../booking/BookDialog'

interface Props {
  wish: OpenWish
  clinic: Clinic
  type: string
  nameOf(dentistId: string): string | undefined
  waitlist: ReturnType<typeof useWaitlist>
  /** Books an offered time for somebody else. */
  onTake(draft: BookDraft): void
}

/** One who waits: what for, since when, and what they are offered. */
export function WishRow(props: Props) {
  const { wish, clinic, type, nameOf, waitlist } = props
  const say = useToast()
  const { leave } = waitlist
  const isThis = leave.variables?.id === wish.id
  const name = wish.patientName ?? 'Somebody'
  const gone = () => {
    say(`${name} is not on the list any more.`)
    focusPage()
  }
  return (
    <li data-wish={wish.id}>
      <div className="grow">
        <div className="entry-who">
          <Link href={`/desk/${clinic.slug}/patients/${wish.patient_id}`} className="found-link clip">
            <strong>{name}</strong>
          </Link>
          {wish.priority > 0 && <span className="badge warn">Before others</span>}
          {wish.moves_appointment_id && <span className="badge">Earlier than booked</span>}
        </div>
        <p className="small-text">
          {type}: {waitsFor(wish, nameOf, today(clinic.time_zone))}
        </p>
        <p className="small-text muted">
          Since {soon(wish.created_at, clinic.time_zone)}, {askedTimes(wish.offers)}
        </p>
        {wish.offer && <Offered {...props} offer={wish.offer} name={name} />}
        {isThis && <ErrorNotice error={leave.error} />}
      </div>
      <Button
        className="small quiet"
        busy={isThis && leave.isPending}
        aria-label={`Take off the list: ${name}`}
        onClick={() => leave.mutate(wish, { onSuccess: gone })}
      >
        Take off
      </Button>
    </li>
  )
}

function askedTimes(offers: number): string {
  if (offers === 0) return 'not asked yet'
  return offers === 1 ? 'asked once' : `asked ${offers} times`
}

type OfferedProps = Props & { offer: NonNullable<OpenWish['offer']>; name: string }

function Offered({ wish, offer, name, clinic, nameOf, waitlist, onTake }: OfferedProps) {
  const say = useToast()
  const left = useCountdown(offer.expires_at) ?? 0
  const { accept, decline } = waitlist
  const zone = clinic.time_zone
  const when = nearTime(offer.starts_at, zone)
  const isOf = (action: typeof accept | typeof decline) =>
    action.variables?.reservation_id === offer.reservation_id
  const told = (text: string) => () => {
    say(text)
    focusPage()
  }
  const take = () =>
    onTake({
      day: dayOf(offer.starts_at, zone),
      startsAt: offer.starts_at,
      dentistId: offer.dentist_id,
      typeId: wish.appointment_type_id,
    })
  return (
    <div className="wish-offer" role="group" aria-label={`Offered to ${name}: ${when}`}>
      <div>
        <strong className="num">{when}</strong>
        <p className="small-text">
          {nameOf(offer.dentist_id) && `With ${nameOf(offer.dentist_id)}. `}
          {left > 0 ? `Offered until ${soon(offer.expires_at, zone)}.` : 'The offer has ended.'}
        </p>
      </div>
      <div className="toolbar">
        <Button
          className="small primary"
          busy={isOf(accept) && accept.isPending}
          onClick={() => accept.mutate(offer, { onSuccess: told(`${name} has ${when}.`) })}
        >
          Accept for them
        </Button>
        <Button
          className="small"
          busy={isOf(decline) && decline.isPending}
          onClick={() => decline.mutate(offer, { onSuccess: told('It goes to who waits next.') })}
        >
          Decline for them
        </Button>
        <Button className="small" onClick={take}>
          Take it for somebody else
        </Button>
      </div>
      {isOf(accept) && <ErrorNotice error={accept.error} />}
      {isOf(decline) && <ErrorNotice error={decline.error} />}
    </div>
  )
}
