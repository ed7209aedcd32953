import { expect, it } from 'vitest'
import { inserted, placeholdersOf } from './placeholders'

it('puts a placeholder where the cursor is, or over what is selected', () => {
  expect(inserted('Dear ,', 5, 5, '{patient}')).toEqual({ text: 'Dear {patient},', cursor: 14 })
  expect(inserted('Dear you,', 5, 8, '{patient}')).toEqual({ text: 'Dear {patient},', cursor: 14 })
})

const names = (kind: 'offer' | 'booked') => placeholdersOf(kind).map(({ name }) => name)

it('names how long it stands only of an offer', () => {
  expect(names('offer')).toContain('until')
  expect(names('booked')).not.toContain('until')
})
