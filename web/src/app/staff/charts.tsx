import {
  Area,
  AreaChart,
  Bar,
  BarChart,
  CartesianGrid,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts'
import type { DailyMetrics } from '../../chairtime'
import { dayInWords, dayParts } from '../format'

const series = [
  { key: 'fulfilled', label: 'Done', color: 'var(--green)' },
  { key: 'checked_in', label: 'Here', color: 'var(--amber)' },
  { key: 'booked', label: 'Booked', color: 'var(--brand)' },
  { key: 'no_shows', label: 'Missed', color: 'var(--coral)' },
  { key: 'cancelled', label: 'Cancelled', color: 'var(--line-strong)' },
] as const

const axis = { tickLine: false, axisLine: false, minTickGap: 16 } as const
const margin = { top: 6, right: 4, bottom: 0, left: -18 }
const shortDay = (day: string) => `${dayParts(day).month} ${dayParts(day).number}`

/** Appointments of each day, stacked by what became of them. */
export function StatusChart({ rows }: { rows: DailyMetrics[] }) {
  return (
    <>
      <div className="chart" aria-hidden="true">
        <ResponsiveContainer width="100%" height="100%">
          <BarChart accessibilityLayer={false} data={rows} margin={margin} barCategoryGap="22%">
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis dataKey="day" tickFormatter={shortDay} {...axis} />
            <YAxis allowDecimals={false} {...axis} />
            <Tooltip cursor={{ fill: 'var(--hover)' }} content={<StatusTip />} isAnimationActive={false} />
            {series.map(({ key, color }) => (
              <Bar
                key={key}
                dataKey={key}
                stackId="day"
                fill={color}
                isAnimationActive={false}
                maxBarSize={34}
              />
            ))}
          </BarChart>
        </ResponsiveContainer>
      </div>
      <figcaption className="legend">
        {series.map(({ key, label, color }) => (
          <span key={key}>
            <i style={{ background: color }} /> {label}
          </span>
        ))}
      </figcaption>
    </>
  )
}

/** Booked minutes as a share of working minutes. */
export function UtilisationChart({ rows }: { rows: DailyMetrics[] }) {
  const points = rows.map((row) => ({
    day: row.day,
    used: row.working_minutes === 0 ? null : Math.round((100 * row.booked_minutes) / row.working_minutes),
  }))
  return (
    <>
      <div className="chart" aria-hidden="true">
        <ResponsiveContainer width="100%" height="100%">
          <AreaChart accessibilityLayer={false} data={points} margin={margin}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis dataKey="day" tickFormatter={shortDay} {...axis} />
            <YAxis domain={[0, 100]} tickFormatter={(value) => `${value}%`} {...axis} />
            <Tooltip content={<UsedTip />} isAnimationActive={false} />
            <Area
              dataKey="used"
              type="monotone"
              connectNulls
              stroke="var(--brand)"
              strokeWidth={2.5}
              fill="var(--brand-soft)"
              isAnimationActive={false}
            />
          </AreaChart>
        </ResponsiveContainer>
      </div>
      <figcaption className="muted small-text">Days on which nobody works are left out.</figcaption>
    </>
  )
}

interface TipProps {
  active?: boolean
  label?: string
  payload?: readonly { dataKey?: unknown; value?: unknown }[]
}

function StatusTip({ active, label, payload }: TipProps) {
  if (!active || !label) return null
  const valueOf = (key: string) => payload?.find(({ dataKey }) => dataKey === key)?.value
  return (
    <div className="chart-tip">
      <strong>{dayInWords(label)}</strong>
      {series.map(({ key, label: name }) =>
        Number(valueOf(key)) > 0 ? <p key={key}>{`${name}: ${valueOf(key)}`}</p> : null,
      )}
    </div>
  )
}

function UsedTip({ active, label, payload }: TipProps) {
  if (!active || !label) return null
  return (
    <div className="chart-tip">
      <strong>{dayInWords(label)}</strong>
      <p>{`${payload?.[0]?.value ?? 0}% used`}</p>
    </div>
  )
}
