import { expect, it } from 'vitest'
import { calendarFile } from './calendarFile'

const visit = {
  id: '8f2b6f1c-0d8e-4c7c-9d42-0c0a6b1f7a11',
  version: 7,
  starts_at: '2026-03-02T10:00:00-05:00',
  ends_at: '2026-03-02T15:30:00+00:00',
}

function linesOf(url: string): string[] {
  const [head, body] = url.split(',') as [string, string]
  expect(head).toBe('data:text/calendar;charset=utf-8')
  return decodeURIComponent(body).split('\r\n')
}

it('names the visit and its version, so that a calendar updates in place', () => {
  const lines = linesOf(calendarFile(visit, 'Check-up', null))
  expect(lines).toContain('PRODID:-//Chairtime//EN')
  expect(lines).toContain(`UID:${visit.id}`)
  expect(lines).toContain('SEQUENCE:7')
  expect(lines).toContain('DTSTART:20260302T150000Z')
  expect(lines).toContain('DTEND:20260302T153000Z')
  expect(lines.join('\n')).not.toContain('LOCATION')
})

it('writes what people are called as RFC 5545 wants it: escaped, and no line over 75 octets', () => {
  const title = '定期健診とクリーニング、さくら歯科クリニック東京渋谷本院診療部; a, b\\c'
  const lines = linesOf(calendarFile(visit, title, 'Line 1\nLine 2'))
  const octets = lines.map((line) => new TextEncoder().encode(line).length)
  expect(Math.max(...octets)).toBeLessThanOrEqual(75)
  const unfolded = lines.join('\r\n').replaceAll('\r\n ', '')
  expect(unfolded).toContain(`SUMMARY:${title.replace(/([\\;,])/g, '\\$1')}`)
  expect(unfolded).toContain('LOCATION:Line 1\\nLine 2')
})
