import type { ClinicDay } from '../../chairtime'

interface Props {
  day: ClinicDay | undefined
  /** Whoever was cancelled is in the list, where it can be taken back. */
  onCancelled(): void
}

/** The day in one line. Its place is kept while it loads. */
export function DaySummary({ day, onCancelled }: Props) {
  const all = day?.dentists.flatMap((dentist) => dentist.appointments) ?? []
  const rows = all.filter(({ status }) => status !== 'cancelled')
  const holds = day?.dentists.reduce((count, dentist) => count + dentist.holds.length, 0) ?? 0
  const here = rows.filter(({ status }) => status === 'checked_in').length
  const done = rows.filter(({ status }) => status === 'fulfilled').length
  const cancelled = all.length - rows.length
  const parts = [
    rows.length === 1 ? '1 appointment' : `${rows.length} appointments`,
    here > 0 && `${here} here now`,
    done > 0 && `${done} done`,
    holds > 0 && (holds === 1 ? '1 being booked' : `${holds} being booked`),
  ].filter(Boolean)
  return (
    <p className="muted num">
      {day ? parts.join(' · ') : '\u00a0'}
      {cancelled > 0 && (
        <>
          {' · '}
          <button type="button" className="link" onClick={onCancelled}>
            {cancelled} cancelled
          </button>
        </>
      )}
    </p>
  )
}
