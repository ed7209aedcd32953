import type { ClinicDay } from '../../chairtime'

/** The day in one line. Its place is kept while it loads. */
export function DaySummary({ day }: { day: ClinicDay | undefined }) {
  const rows =
    day?.dentists.flatMap((dentist) => dentist.appointments).filter(({ status }) => status !== 'cancelled') ??
    []
  const holds = day?.dentists.reduce((count, dentist) => count + dentist.holds.length, 0) ?? 0
  const here = rows.filter(({ status }) => status === 'checked_in').length
  const done = rows.filter(({ status }) => status === 'fulfilled').length
  const parts = [
    rows.length === 1 ? '1 appointment' : `${rows.length} appointments`,
    here > 0 && `${here} here now`,
    done > 0 && `${done} done`,
    holds > 0 && (holds === 1 ? '1 being booked' : `${holds} being booked`),
  ].filter(Boolean)
  return <p className="muted num">{day ? parts.join(' · ') : '\u00a0'}</p>
}
