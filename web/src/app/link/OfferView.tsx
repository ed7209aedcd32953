import { Check, X } from 'lucide-react'
import type { LinkAction } from '../../chairtime'
import { Button, Notice } from '../ui/parts'
import { offerRefusalIn } from './refusals'
import { useTitle, type ViewProps, whenOf } from './view'
import { Facts, More } from './VisitView'

/** A time that is held for who waits: accepted it is their visit. Once it is not held any more, it may still be free. */
export function OfferView(props: ViewProps & { done: LinkAction | null }) {
  const { visit, words, error, isBusy, act, done } = props
  const { appointment, actions } = visit
  const isHeld = appointment.state === 'offered'
  useTitle(`${words.offer.title} · ${visit.clinic.name}`)
  const may = (action: LinkAction) => actions.includes(action)
  return (
    <article className="card link-card">
      <header className="link-head">
        <p className={`badge link-state ${appointment.state}`}>{words.states[appointment.state]}</p>
        <h1 data-focus={done ? undefined : true} tabIndex={-1}>
          {words.offer.title}
        </h1>
        <p className="muted">
          <bdi>{words.patient(appointment.patient)}</bdi>
        </p>
      </header>
      <p className={isHeld ? 'link-when' : 'link-when off'}>
        <time dateTime={appointment.starts_at}>
          <strong>{appointment.date}</strong> <span>{words.time(appointment.time)}</span>
        </time>
      </p>
      <div role="status" className="link-said">
        {done ? (
          <Notice tone="good">
            <p data-focus tabIndex={-1}>
              {words.done[done]}
            </p>
          </Notice>
        ) : isHeld ? null : (
          <Notice>
            {words.offer.ended} {may('accept') && words.offer.late}
          </Notice>
        )}
      </div>
      {isHeld && visit.offered_until && (
        <p className="link-until">{words.offer.until(whenOf(visit.offered_until, visit, words))}</p>
      )}
      <Facts visit={visit} words={words} />
      {error && <Notice tone="bad">{offerRefusalIn(words, error)}</Notice>}
      {may('accept') && (
        <Button
          className={isHeld ? 'primary wide link-confirm' : 'wide'}
          busy={isBusy}
          onClick={() => act('accept')}
        >
          <Check size={20} aria-hidden="true" /> {isHeld ? words.actions.accept : words.offer.try}
        </Button>
      )}
      {may('decline') && (
        <Button className="wide" busy={isBusy} onClick={() => act('decline')}>
          <X size={17} aria-hidden="true" /> {words.actions.decline}
        </Button>
      )}
      <More {...props} />
    </article>
  )
}
