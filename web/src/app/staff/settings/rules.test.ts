import { expect, it } from 'vitest'
import type { MessageRule } from '../../../chairtime'
import { asDraft, asJson } from './rules'

const rule = (kind: MessageRule['kind'], channel: MessageRule['channel'], lead = '00:00:00') =>
  ({ id: '', clinic_id: '', kind, channel, lead }) satisfies MessageRule

it('edits rules and says them again as they were', () => {
  const draft = asDraft([
    rule('booked', 'email'),
    rule('reminder', 'sms', '03:00:00'),
    rule('reminder', 'email', '2 days'),
    rule('reminder', 'sms', '00:45:00'),
  ])
  expect(asJson(draft)).toEqual([
    { kind: 'booked', channel: 'email' },
    { kind: 'reminder', channel: 'email', lead: '2 days' },
    { kind: 'reminder', channel: 'sms', lead: '3 hours' },
    { kind: 'reminder', channel: 'sms', lead: '45 minutes' },
  ])
})
