import { describe, expect, it } from 'vitest'
import { mergeSlots, needsFreshSlots, type ShownSlot, takeSlots } from './slots'
import { event } from './testing/event'

const none = { before: 0, after: 0 }

function slot(time: string, dentist = 'lee', taken = false): ShownSlot {
  const starts = Date.parse(`2026-03-02T${time}:00Z`)
  return {
    dentist_id: dentist,
    starts_at: new Date(starts).toISOString(),
    ends_at: new Date(starts + 30 * 60_000).toISOString(),
    taken,
  }
}

const blocked = (from: string, until: string) =>
  event(1, 1, { starts_at: `2026-03-02T${from}:00+00:00`, ends_at: `2026-03-02T${until}:00+00:00` })
const taken = (slots: ShownSlot[]) =>
  slots.filter((shown) => shown.taken).map(({ starts_at }) => starts_at.slice(11, 16))

describe('a taken slot', () => {
  const shown = ['09:00', '09:15', '09:30', '09:45', '10:00'].map((time) => slot(time))

  it('takes every overlapping slot with it, and none that only touches', () => {
    expect(taken(takeSlots(shown, blocked('09:30', '10:00'), none))).toEqual(['09:15', '09:30', '09:45'])
  })

  it('counts the buffers of what is to be booked', () => {
    const buffers = { before: 15 * 60_000, after: 15 * 60_000 }
    expect(taken(takeSlots(shown, blocked('09:30', '10:00'), buffers))).toEqual([
      '09:00',
      '09:15',
      '09:30',
      '09:45',
      '10:00',
    ])
  })

  it('leaves other dentists alone', () => {
    const both = [slot('09:00'), slot('09:00', 'webb')]
    expect(takeSlots(both, blocked('09:00', '09:30'), none)[1]?.taken).toBe(false)
  })

  it('changes nothing, not even the array, when nothing is hit', () => {
    expect(takeSlots(shown, blocked('15:00', '15:30'), none)).toBe(shown)
  })
})

describe('a fresh list', () => {
  it('leaves what vanished in its place, marked', () => {
    const merged = mergeSlots([slot('09:00'), slot('09:30'), slot('10:00')], [slot('09:00'), slot('10:00')])
    expect(merged.map(({ starts_at }) => starts_at.slice(11, 16))).toEqual(['09:00', '09:30', '10:00'])
    expect(taken(merged)).toEqual(['09:30'])
  })

  it('frees what came back, however the timestamps are written', () => {
    const back = { ...slot('09:30'), starts_at: '2026-03-02 09:30:00+00' }
    const merged = mergeSlots([slot('09:30', 'lee', true)], [back])
    expect(merged).toHaveLength(1)
    expect(taken(merged)).toEqual([])
  })
})

describe('asking for a fresh list', () => {
  const scope = { dentistId: 'lee', from: Date.parse('2026-03-01'), until: Date.parse('2026-03-08') }
  const freed = { ...blocked('09:00', '09:30'), event: 'slot_freed' as const }

  it('is needed when time is freed in view', () => expect(needsFreshSlots(freed, scope)).toBe(true))
  it('is needed when hours change', () =>
    expect(needsFreshSlots(event(1, 1, { event: 'hours_changed' }), scope)).toBe(true))
  it('is not needed when a slot is taken', () =>
    expect(needsFreshSlots(blocked('09:00', '09:30'), scope)).toBe(false))
  it('is not needed for another dentist', () =>
    expect(needsFreshSlots({ ...freed, dentist_id: 'webb' }, scope)).toBe(false))
  it('is needed when chairs are taken or freed, whoever led the visit', () => {
    const chairs = {
      ...blocked('09:00', '09:30'),
      event: 'availability_changed' as const,
      dentist_id: 'webb',
    }
    expect(needsFreshSlots(chairs, scope)).toBe(true)
  })
  it('is needed when somebody is taken who may be wanted for a part', () => {
    const exam = { ...blocked('09:00', '09:30'), dentist_id: 'webb' }
    expect(needsFreshSlots(exam, { ...scope, leaderIds: ['lee'] })).toBe(true)
    expect(needsFreshSlots(exam, { ...scope, leaderIds: ['lee', 'webb'] })).toBe(false)
  })
  it('is not needed for another week', () =>
    expect(needsFreshSlots(freed, { ...scope, from: scope.until, until: scope.until + 1 })).toBe(false))
})
