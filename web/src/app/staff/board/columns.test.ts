import { describe, expect, it } from 'vitest'
import { sideBySide } from './columns'

const at = (from: string, until: string) => ({
  key: from,
  row: from,
  starts_at: `2026-03-02T${from}:00Z`,
  ends_at: `2026-03-02T${until}:00Z`,
})
const lanes = (...items: ReturnType<typeof at>[]) =>
  sideBySide(items).map(({ key, lane, lanes }) => `${key} ${lane + 1}/${lanes}`)

describe('what meets on the board', () => {
  it('has the whole width where it meets nothing', () => {
    expect(lanes(at('10:00', '10:30'), at('09:00', '10:00'))).toEqual(['09:00 1/1', '10:00 1/1'])
  })

  it('stands side by side, also by way of a third', () => {
    expect(
      lanes(at('09:00', '10:00'), at('09:30', '10:30'), at('10:00', '11:00'), at('11:00', '12:00')),
    ).toEqual(['09:00 1/2', '09:30 2/2', '10:00 1/2', '11:00 1/1'])
  })

  it('has as many lanes as meet at once', () => {
    expect(lanes(at('09:00', '10:00'), at('09:10', '10:00'), at('09:20', '09:30'))).toEqual([
      '09:00 1/3',
      '09:10 2/3',
      '09:20 3/3',
    ])
  })
})
