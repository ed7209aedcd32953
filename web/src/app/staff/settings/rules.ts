import { intervalMs, type MessageChannel, type MessageKind, type MessageRule } from '../../../chairtime'
import { inUnits, type SpanUnit } from '../../format'

/** What a clinic sends by itself, as it is edited. */

export interface DraftReminder {
  key: number
  /** As it is typed: perhaps nothing yet. */
  count: number | string
  unit: SpanUnit
  channel: MessageChannel
}

export interface DraftRules {
  /** `booked email` is in it where a booking is confirmed by email. */
  on: ReadonlySet<string>
  reminders: DraftReminder[]
}

export function cell(kind: MessageKind, channel: MessageChannel): string {
  return `${kind} ${channel}`
}

/** The longest before the visit first. */
export function asDraft(rules: MessageRule[]): DraftRules {
  const reminders = rules.filter(({ kind }) => kind === 'reminder')
  return {
    on: new Set(
      rules.filter(({ kind }) => kind !== 'reminder').map(({ kind, channel }) => cell(kind, channel)),
    ),
    reminders: reminders
      .toSorted((a, b) => intervalMs(b.lead) - intervalMs(a.lead))
      .map(({ lead, channel }, key) => ({ key, channel, ...inUnits(intervalMs(lead)) })),
  }
}

export function asJson({ on, reminders }: DraftRules) {
  return [
    ...[...on].map((each) => {
      const [kind, channel] = each.split(' ')
      return { kind, channel }
    }),
    ...reminders.map(({ count, unit, channel }) => ({ kind: 'reminder', channel, lead: `${count} ${unit}` })),
  ]
}
