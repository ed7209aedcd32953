import { Check, Phone } from 'lucide-react'
import { Link } from 'wouter'
import { type Clinic, type UnconfirmedVisit, useChairtime, type useUnconfirmed } from '../../../chairtime'
import { clockTime } from '../../format'
import { focusPage } from '../../ui/Dialog'
import { Button, ErrorNotice, PhoneLink } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { visitPath } from '../useDayView'
import { channelNames, kindNames, toldOf } from './words'

interface Props {
  visit: UnconfirmedVisit
  clinic: Clinic
  type: string
  dentist: string | undefined
  confirm: ReturnType<typeof useUnconfirmed>['confirm']
}

/** One to call: who, when, with whom, and what they were told. */
export function CallRow({ visit, clinic, type, dentist, confirm }: Props) {
  const say = useToast()
  const { appointment_id: id, patient_id, full_name: name, phone, starts_at } = visit
  const isThis = confirm.variables?.appointment_id === id
  const done = () => {
    say(`${name} will come.`)
    focusPage()
  }
  return (
    <li data-call={id}>
      <strong className="call-time num">{clockTime(starts_at, clinic.time_zone)}</strong>
      <div className="grow">
        <div className="entry-who">
          <Link href={`/desk/${clinic.slug}/patients/${patient_id}`} className="found-link clip">
            <strong>{name}</strong>
          </Link>
          {phone ? (
            <PhoneLink phone={phone}>
              <Phone size={14} aria-hidden="true" /> {phone}
            </PhoneLink>
          ) : (
            <span className="muted small-text">No phone number</span>
          )}
        </div>
        <p className="small-text muted">
          {type}
          {dentist && `, ${dentist}`}
        </p>
        <LastMessage visit={visit} zone={clinic.time_zone} />
        {isThis && <ErrorNotice error={confirm.error} />}
      </div>
      <div className="toolbar">
        <Button
          className="small primary"
          busy={isThis && confirm.isPending}
          aria-label={`Confirmed: ${name}`}
          onClick={() => confirm.mutate(visit, { onSuccess: done })}
        >
          <Check size={15} /> Confirmed
        </Button>
        <Link className="btn small" href={visitPath(clinic, { id, starts_at })}>
          Open<span className="sr-only"> the visit of {name}</span>
        </Link>
      </div>
    </li>
  )
}

function LastMessage({ visit, zone }: { visit: UnconfirmedVisit; zone: string }) {
  const { clock } = useChairtime()
  const { last_message: state, last_message_at: at, last_kind: kind, last_channel: channel } = visit
  if (!state || !at || !kind || !channel) return <p className="small-text muted">No message went out yet.</p>
  const told = toldOf(
    { state, channel, reason: visit.last_reason, error: null, due_at: at, sent_at: at },
    zone,
    clock.now(),
  )
  return (
    <p className="small-text last-message">
      {kindNames[kind]}, {channelNames[channel].toLowerCase()}:{' '}
      <span className={`badge ${told.tone}`}>{told.label}</span> <span className="muted num">{told.why}</span>
    </p>
  )
}
