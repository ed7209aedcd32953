import { minutesAndSeconds } from '../format'

const RADIUS = 23
const LENGTH = 2 * Math.PI * RADIUS
const HURRY = 60

/** The time that a hold has left, as a ring that closes. */
export function Ring({ secondsLeft, total }: { secondsLeft: number; total: number }) {
  const share = Math.min(1, secondsLeft / total)
  return (
    <div
      className={secondsLeft <= HURRY ? 'ring hurry' : 'ring'}
      role="timer"
      aria-label={`Held for you for ${minutesAndSeconds(secondsLeft)} more`}
    >
      <svg viewBox="0 0 52 52" width={58} height={58} aria-hidden="true">
        <circle cx="26" cy="26" r={RADIUS} />
        <circle cx="26" cy="26" r={RADIUS} strokeDasharray={LENGTH} strokeDashoffset={LENGTH * (1 - share)} />
      </svg>
      <span className="num">{minutesAndSeconds(secondsLeft)}</span>
    </div>
  )
}
