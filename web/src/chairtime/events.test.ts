import { describe, expect, it } from 'vitest'
import { Cursor } from './events'
import { event } from './testing/event'

describe('a cursor', () => {
  it('takes events that follow each other as fresh', () => {
    const cursor = new Cursor()
    expect(cursor.take(event(1, 1))).toEqual({ kind: 'fresh' })
    expect(cursor.take(event(2, 2))).toEqual({ kind: 'fresh' })
  })

  it('knows an event that it has seen, however it came', () => {
    const cursor = new Cursor()
    cursor.take(event(1, 1))
    cursor.recover(event(2, 2))
    expect(cursor.take(event(1, 1))).toEqual({ kind: 'duplicate' })
    expect(cursor.take(event(2, 2))).toEqual({ kind: 'duplicate' })
    expect(cursor.recover(event(1, 1))).toBe(false)
  })

  it('sees a gap where the topic heard a number that it did not, and says from where to recover', () => {
    const cursor = new Cursor()
    cursor.take(event(10, 1))
    expect(cursor.take(event(30, 3))).toEqual({ kind: 'gap', after: 10 })
  })

  it('sees no gap in numbers that were for other topics', () => {
    const cursor = new Cursor()
    cursor.take(event(10, 1))
    expect(cursor.take(event(30, 7, { previous_dentist_seq: 1 }))).toEqual({ kind: 'fresh' })
  })

  it('cannot see gaps where the topic tells nothing of what it heard before', () => {
    const cursor = new Cursor()
    cursor.take(event(10, 1))
    expect(cursor.take(event(30, 7, { previous_dentist_seq: null }))).toEqual({ kind: 'fresh' })
  })

  it('counts each dentist for themselves', () => {
    const cursor = new Cursor()
    cursor.take(event(1, 1))
    expect(cursor.take(event(2, 9, { dentist_id: 'webb' }))).toEqual({ kind: 'fresh' })
    expect(cursor.take(event(3, 2))).toEqual({ kind: 'fresh' })
  })

  it('sees no gap around what is in nobody’s calendar, and loses none for it', () => {
    const cursor = new Cursor()
    const updated = {
      event: 'patient_updated',
      dentist_id: null,
      dentist_seq: null,
      previous_dentist_seq: null,
    } as const
    cursor.take(event(1, 1))
    expect(cursor.take(event(2, 0, updated))).toEqual({ kind: 'fresh' })
    expect(cursor.take(event(2, 0, updated))).toEqual({ kind: 'duplicate' })
    expect(cursor.take(event(3, 2))).toEqual({ kind: 'fresh' })
    expect(cursor.take(event(4, 0, updated))).toEqual({ kind: 'fresh' })
    expect(cursor.take(event(6, 4))).toEqual({ kind: 'gap', after: 3 })
    expect(cursor.lastId).toBe(6)
  })

  it('drops what a snapshot already holds, and misses what came after it', () => {
    const cursor = new Cursor()
    cursor.baseline('lee', 5)
    expect(cursor.take(event(50, 5))).toEqual({ kind: 'duplicate' })
    const later = new Cursor()
    later.baseline('lee', 5)
    expect(later.take(event(80, 8))).toEqual({ kind: 'gap', after: null })
  })

  it('never lets an older snapshot take back what is known', () => {
    const cursor = new Cursor()
    cursor.take(event(1, 4))
    cursor.baseline('lee', 2)
    expect(cursor.take(event(2, 5))).toEqual({ kind: 'fresh' })
  })

  it('remembers the highest id, for the next reconnect', () => {
    const cursor = new Cursor()
    expect(cursor.lastId).toBeNull()
    cursor.take(event(7, 2))
    cursor.recover(event(5, 1))
    expect(cursor.lastId).toBe(7)
  })

  it('remembers a thousand events, and not all there ever were', () => {
    const cursor = new Cursor()
    for (let seq = 1; seq <= 1000; seq += 1) cursor.take(event(seq, seq))
    expect(cursor.take(event(1, 1))).toEqual({ kind: 'duplicate' })
    cursor.take(event(1001, 1001))
    expect(cursor.recover(event(1, 1))).toBe(true)
  })
})
