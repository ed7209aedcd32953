import { type AppointmentType, epoch, type Slot, useAvailableSlots } from '../../../chairtime'
import { clockTime } from '../../format'
import { ErrorNotice, Skeleton } from '../../ui/parts'
import { Chip, Chips } from './Chips'

interface Props {
  type: AppointmentType
  /** Null: whoever leads such visits. */
  dentistId: string | null
  leaderIds: string[]
  zone: string
  day: string
  onDay(day: string): void
  /** Given where one is moved: where it can go. */
  appointmentId?: string
  picked: string | null
  onPick(slot: Slot): void
}

/** A day, and the times at which a visit can start on it. */
export function FreeTimes(props: Props) {
  const { type, dentistId, leaderIds, zone, day, onDay, appointmentId, picked, onPick } = props
  const { slots, error, refresh } = useAvailableSlots({
    appointmentType: type,
    fromDate: day,
    toDate: day,
    dentistId,
    leaderIds,
    appointmentId: appointmentId ?? null,
  })
  const starts = new Map(slots?.filter(({ taken }) => !taken).map((slot) => [epoch(slot.starts_at), slot]))
  return (
    <div className="stack free-times">
      <label className="field">
        <span>Day</span>
        <input
          className="input small"
          type="date"
          required
          value={day}
          onChange={(event) => event.target.value && onDay(event.target.value)}
        />
      </label>
      <ErrorNotice error={error} retry={refresh} />
      {!slots && !error && <Skeleton height={38} />}
      {slots && starts.size === 0 && <p className="muted small-text">Nothing is free on that day.</p>}
      {starts.size > 0 && (
        <Chips label="Free times">
          {[...starts].map(([start, slot]) => (
            <Chip
              key={start}
              startsAt={new Date(start).toISOString()}
              isPicked={picked !== null && epoch(picked) === start}
              onPick={() => onPick(slot)}
            >
              {clockTime(slot.starts_at, zone)}
            </Chip>
          ))}
        </Chips>
      )}
    </div>
  )
}
