import type { AppointmentType } from '../../../chairtime'
import { dayOf, instantAt, nearTime, timeInput } from '../../format'
import { ErrorNotice } from '../../ui/parts'
import { Chip, Chips } from './Chips'
import { FreeTimes } from './FreeTimes'
import type { Choice, useChoice } from './useChoice'

interface Props {
  type: AppointmentType
  dentistId: string | null
  leaderIds: string[]
  zone: string
  day: string
  onDay(day: string): void
  choice: Choice
  chosen: ReturnType<typeof useChoice>
  onChoose(choice: Choice): void
}

/** Free times to choose from, the first of them chosen already; now, for who stands at the desk; or a time that one says. */
export function When({ type, dentistId, leaderIds, zone, day, onDay, choice, chosen, onChoose }: Props) {
  const { next, startsAt } = chosen
  const exact = choice.how === 'exact' ? choice.startsAt : null
  return (
    <fieldset className="stack when">
      <legend>When</legend>
      <ErrorNotice error={next.error} retry={next.refresh} />
      <Chips label="Next free">
        <Chip isPicked={choice.how === 'now'} onPick={() => onChoose({ how: 'now' })}>
          Now
        </Chip>
        {next.slots?.map((slot, index) => (
          <Chip
            key={slot.starts_at}
            startsAt={new Date(slot.starts_at).toISOString()}
            isPicked={choice.how !== 'now' && startsAt !== null && sameTime(startsAt, slot.starts_at)}
            onPick={() =>
              onChoose(index === 0 ? { how: 'next' } : { how: 'listed', startsAt: slot.starts_at })
            }
          >
            {nearTime(slot.starts_at, zone)}
          </Chip>
        ))}
        {next.slots?.length === 0 && <span className="muted small-text">Nothing is free soon.</span>}
      </Chips>
      <FreeTimes
        type={type}
        dentistId={dentistId}
        leaderIds={leaderIds}
        zone={zone}
        day={day}
        onDay={(next) => {
          onDay(next)
          // A time that one says stays the same on another day.
          if (exact) onChoose({ how: 'exact', startsAt: instantAt(next, timeInput(exact, zone), zone) })
          if (choice.how === 'listed') onChoose({ how: 'next' })
        }}
        picked={choice.how === 'now' ? null : startsAt}
        onPick={(slot) => onChoose({ how: 'listed', startsAt: slot.starts_at })}
      />
      <label className="field">
        <span>Another time</span>
        <input
          className="input small"
          type="time"
          value={exact && dayOf(exact, zone) === day ? timeInput(exact, zone) : ''}
          onChange={(event) =>
            onChoose(
              event.target.value
                ? { how: 'exact', startsAt: instantAt(day, event.target.value, zone) }
                : { how: 'next' },
            )
          }
        />
      </label>
    </fieldset>
  )
}

function sameTime(one: string, other: string): boolean {
  return Date.parse(one) === Date.parse(other)
}
