import { useQuery } from '@tanstack/react-query'
import { ChartNoAxesColumn } from 'lucide-react'
import { useState } from 'react'
import { type DailyMetrics, intervalMs, useChairtime } from '../../chairtime'
import { addDays, dayParts, duration, today } from '../format'
import { Empty, ErrorNotice, PageTitle, Skeleton } from '../ui/parts'
import { StatusChart, UtilisationChart } from './charts'
import type { DeskProps } from './Desk'

const periods = [
  { days: 14, label: '2 weeks' },
  { days: 30, label: '30 days' },
  { days: 90, label: '90 days' },
]

/** How full the chairs are, and what becomes of bookings: a row a day from `daily_metrics`. */
export function MetricsPage({ clinic }: DeskProps) {
  const client = useChairtime()
  const [days, setDays] = useState(14)
  const until = addDays(today(clinic.time_zone), Math.floor(days / 2))
  const from = addDays(until, 1 - days)
  const { data, error, failureReason, refetch } = useQuery({
    queryKey: ['daily metrics', clinic.id, from, until],
    staleTime: 0,
    queryFn: () =>
      client.rows('daily_metrics', (rows) =>
        rows.eq('clinic_id', clinic.id).gte('day', from).lte('day', until).order('day'),
      ),
  })
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <PageTitle>Metrics</PageTitle>
          <p className="muted">The days around today, counted by the day on which appointments start.</p>
        </div>
        <div className="segmented" role="group" aria-label="Period">
          {periods.map((period) => (
            <button
              key={period.days}
              type="button"
              aria-pressed={period.days === days}
              onClick={() => setDays(period.days)}
            >
              {period.label}
            </button>
          ))}
        </div>
      </header>
      <ErrorNotice error={error ?? failureReason} retry={() => void refetch()} />
      {!data && !error && (
        <div className="stack" role="status" aria-label="Loading">
          <Skeleton height={104} />
          <Skeleton height={330} />
        </div>
      )}
      {data?.length === 0 && (
        <div className="card">
          <Empty icon={<ChartNoAxesColumn />} title="No numbers yet">
            <p>
              The worker counts each day about once a minute. Start it, and the first numbers appear here.
            </p>
          </Empty>
        </div>
      )}
      {data && data.length > 0 && <Numbers rows={data} />}
    </div>
  )
}

function Numbers({ rows }: { rows: DailyMetrics[] }) {
  const sum = (
    key:
      | 'booked'
      | 'checked_in'
      | 'fulfilled'
      | 'cancelled'
      | 'no_shows'
      | 'holds'
      | 'holds_confirmed'
      | 'booked_minutes'
      | 'working_minutes'
      | 'offers'
      | 'offers_accepted'
      | 'filled_minutes',
  ) => rows.reduce((total, row) => total + row[key], 0)
  const appointments = sum('booked') + sum('checked_in') + sum('fulfilled')
  const all = appointments + sum('cancelled') + sum('no_shows')
  return (
    <>
      <dl className="tiles">
        <Tile label="Appointments" value={String(appointments)} note="booked, here or done" />
        <Tile
          label="Chair time used"
          value={share(sum('booked_minutes'), sum('working_minutes'))}
          note="of the working hours"
        />
        <Tile
          label="Holds that became bookings"
          value={share(sum('holds_confirmed'), sum('holds'))}
          note={sum('holds') === 1 ? 'of 1 hold' : `of ${sum('holds')} holds`}
        />
        <Tile
          label="Cancelled or missed"
          value={share(sum('cancelled') + sum('no_shows'), all)}
          note={`${sum('cancelled')} cancelled, ${sum('no_shows')} missed`}
        />
        <Tile
          label="Filled from the waiting list"
          value={sum('offers') === 0 ? '–' : duration(sum('filled_minutes') * 60_000)}
          note={`${sum('offers_accepted')} of ${sum('offers')} offers accepted${filledIn(rows)}`}
        />
      </dl>
      <div className="panels">
        <figure className="card panel-card">
          <h2>Appointments by day</h2>
          <StatusChart rows={rows} />
        </figure>
        <figure className="card panel-card">
          <h2>Chair time used</h2>
          <UtilisationChart rows={rows} />
        </figure>
      </div>
      <section className="card panel-card numbers">
        <details>
          <summary>The same as a table</summary>
          <Table rows={rows} />
        </details>
      </section>
    </>
  )
}

function Tile({ label, value, note }: { label: string; value: string; note: string }) {
  return (
    <div className="card tile">
      <dt>
        <span>{label}</span>
      </dt>
      <dd>
        <strong className="num">{value}</strong>
      </dd>
      <dd>
        <small>{note}</small>
      </dd>
    </div>
  )
}

function Table({ rows }: { rows: DailyMetrics[] }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="Numbers by day">
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Booked</th>
            <th scope="col">Here</th>
            <th scope="col">Done</th>
            <th scope="col">Cancelled</th>
            <th scope="col">Missed</th>
            <th scope="col">Holds</th>
            <th scope="col">Used</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.day}>
              <td>
                {dayParts(row.day).weekday} {dayParts(row.day).month} {dayParts(row.day).number}
              </td>
              <td>{row.booked}</td>
              <td>{row.checked_in}</td>
              <td>{row.fulfilled}</td>
              <td>{row.cancelled}</td>
              <td>{row.no_shows}</td>
              <td>{row.holds}</td>
              <td>{share(row.booked_minutes, row.working_minutes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((100 * part) / whole)}%`
}

/** How long times stood empty, on average, until somebody who waited took them. */
function filledIn(rows: DailyMetrics[]): string {
  const filled = rows.filter((row) => row.time_to_fill !== null && row.offers_accepted > 0)
  const count = filled.reduce((total, row) => total + row.offers_accepted, 0)
  const waited = filled.reduce(
    (total, row) => total + row.offers_accepted * intervalMs(row.time_to_fill ?? ''),
    0,
  )
  return count === 0 ? '' : `, after ${duration(waited / count)}`
}
