import { type LinkAction, type LinkedRecall, useChairtime } from '../../chairtime'
import { dayOf } from '../format'
import { Button, Notice } from '../ui/parts'
import { Asking } from './AskView'
import { FreeTimes } from './FreeTimes'
import { type ViewProps, whenOf } from './view'
import { More } from './VisitView'

type Props = ViewProps<LinkedRecall> & { token: string; picked: string | null; done: LinkAction | null }

/** What is due, and the times at which it can be had; the one that was picked is asked about once before it is booked. */
export function RecallView({ token, picked, done, ...props }: Props) {
  const { visit, words, isBusy, act, go } = props
  const { clock } = useChairtime()
  const { recall, clinic, actions } = visit
  const today = dayOf(new Date(clock.now()).toISOString(), clinic.time_zone)
  const mayBook = actions.includes('book')
  if (mayBook && picked !== null && !Number.isNaN(Date.parse(picked))) {
    return (
      <Asking {...props} title={words.recall.ask}>
        <p>
          <strong>{whenOf(picked, visit, words)}</strong>
          <br />
          <bdi>{recall.visit}</bdi>
        </p>
        <div className="link-answers">
          <Button className="primary" busy={isBusy} onClick={() => act('book', { startsAt: picked })}>
            {words.recall.yes}
          </Button>
          <Button onClick={() => history.back()}>{words.move.other}</Button>
        </div>
      </Asking>
    )
  }
  return (
    <Asking {...props} title={words.recall.title}>
      {done && <Notice tone="good">{words.done[done]}</Notice>}
      <p>
        <strong>
          <bdi>{recall.visit}</bdi>
        </strong>
        <br />
        <bdi className="muted">{words.patient(recall.patient)}</bdi>
      </p>
      {mayBook ? (
        <>
          <p className="muted">{words.move.clinicTime}</p>
          <FreeTimes
            {...props}
            token={token}
            today={today}
            first={today}
            last={recall.bookable_until}
            current={null}
            pick={(start) => go('book', start)}
          />
        </>
      ) : (
        <Notice>{recall.state === 'met' ? words.recall.met : words.recall.call}</Notice>
      )}
      <More {...props} />
    </Asking>
  )
}
