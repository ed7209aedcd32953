import { useChairtime } from '../../chairtime'
import { addDays, dayOf } from '../format'
import { Button } from '../ui/parts'
import { Asking } from './AskView'
import { FreeTimes } from './FreeTimes'
import { type ViewProps, whenOf } from './view'

/** The free times, week by week; the one that was picked is asked about once before the visit moves. */
export function MoveView({ token, picked, ...props }: ViewProps & { token: string; picked: string | null }) {
  const { visit, words, isBusy, act, go } = props
  const { appointment, clinic } = visit
  const { clock } = useChairtime()
  const today = dayOf(new Date(clock.now()).toISOString(), clinic.time_zone)
  const around = addDays(dayOf(appointment.starts_at, clinic.time_zone), -2)
  if (picked !== null && !Number.isNaN(Date.parse(picked))) {
    return (
      <Asking {...props} title={words.move.ask}>
        <p className="muted">{words.move.current(words.dayAndTime(appointment.date, appointment.time))}</p>
        <p>
          <strong>{words.move.to(whenOf(picked, visit, words))}</strong>
        </p>
        <div className="link-answers">
          <Button className="primary" busy={isBusy} onClick={() => act('move', { startsAt: picked })}>
            {words.move.yes}
          </Button>
          <Button onClick={() => history.back()}>{words.move.other}</Button>
        </div>
      </Asking>
    )
  }
  return (
    <Asking {...props} title={words.move.title}>
      <p className="muted">
        {words.move.current(words.dayAndTime(appointment.date, appointment.time))}
        <br />
        {words.move.clinicTime}
      </p>
      <FreeTimes
        {...props}
        token={token}
        today={today}
        first={around}
        last={appointment.movable_until}
        current={appointment.starts_at}
        pick={(start) => go('move', start)}
      />
      <div className="link-answers">
        <Button onClick={() => go(null)}>{words.back}</Button>
      </div>
    </Asking>
  )
}
