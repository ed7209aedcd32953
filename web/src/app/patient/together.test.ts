import { expect, it } from 'vitest'
import type { Slot } from '../../chairtime'
import { together } from './together'

const at = (time: string) => `2031-03-03T${time}:00Z`
const slot = (dentist_id: string, from: string, until: string): Slot => ({
  dentist_id,
  starts_at: at(from),
  ends_at: at(until),
})
const told = (visits: Slot[][]) =>
  visits.map((each) =>
    each.map(({ dentist_id, starts_at }) => `${dentist_id} ${starts_at.slice(11, 16)}`).join(', '),
  )

it('puts visits in a row, with the same dentist where nobody waits for it, and lets nobody wait for long', () => {
  const mother = [slot('lee', '09:00', '09:30'), slot('kim', '12:00', '12:30')]
  const child = [slot('kim', '09:30', '10:00'), slot('lee', '09:30', '10:00'), slot('lee', '13:15', '13:45')]
  expect(told(together([mother, child], 'in a row'))).toEqual(['lee 09:00, lee 09:30'])
})

it('takes of several rows that begin together the one that ends first', () => {
  const mother = [slot('lee', '09:00', '10:00'), slot('kim', '09:00', '09:45')]
  const child = [slot('kim', '09:45', '10:00'), slot('lee', '10:00', '10:15')]
  expect(told(together([mother, child], 'in a row'))).toEqual(['kim 09:00, kim 09:45'])
})

it('gives each a dentist of their own at once, whoever must give way', () => {
  const first = [slot('lee', '09:00', '09:30'), slot('kim', '09:00', '09:30')]
  const second = [slot('lee', '09:00', '09:30')]
  expect(told(together([first, second], 'at once'))).toEqual(['kim 09:00, lee 09:00'])
  expect(together([first, second, second], 'at once')).toEqual([])
})
