import type { ChairtimeEvent } from '../events'

/** An event of one dentist's calendar, for tests. */
export function event(id: number, seq: number, more: Partial<ChairtimeEvent> = {}): ChairtimeEvent {
  return {
    event_id: id,
    occurred_at: '2026-03-02T14:00:00Z',
    event: 'slot_taken',
    clinic_id: 'clinic',
    dentist_id: 'lee',
    dentist_seq: seq,
    previous_dentist_seq: seq - 1,
    ...more,
  }
}
