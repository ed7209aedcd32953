import type { LinkAction } from '../../../chairtime'

/** What a link's page says. One of it for each language of the messages; a test sees that none lacks a word. */
export interface Words {
  title: string
  patient(name: string): string
  /** A time on the clock, and a day with it. */
  time(time: string): string
  dayAndTime(date: string, time: string): string
  states: Record<'offered' | 'lapsed' | 'open' | 'confirmed' | 'begun' | 'over' | 'cancelled', string>
  /** What the state means for who comes. */
  advice: Record<'begun' | 'over' | 'cancelled', string>
  /** Where it leads from a visit that is cancelled, as its message says. */
  rebook: string
  labels: { visit: string; dentist: string; address: string; phone: string; email: string }
  actions: Record<LinkAction | 'calendar', string>
  changeableUntil(when: string): string
  tooLate: string
  /** What was just done. */
  done: Record<LinkAction, string>
  back: string
  move: {
    title: string
    current(when: string): string
    clinicTime: string
    earlier: string
    later: string
    none: string
    loading: string
    ask: string
    to(when: string): string
    yes: string
    other: string
  }
  /** Of a time that is held for who waits; late: it is not held any more, and may be free. */
  offer: { title: string; until(when: string): string; ended: string; late: string; try: string }
  /** Of a visit that is due; call: it cannot be booked online. */
  recall: { title: string; ask: string; yes: string; met: string; call: string }
  cancel: { ask: string; warning: string; yes: string; keep: string }
  note: { title: string; label: string; hint: string; send: string }
  notMe: { ask: string; text: string; yes: string }
  stop: { ask: string; email: string; sms: string; yes: string }
  loading: string
  slow: string
  retry: string
  invalid: { title: string; text: string }
  tooMany: { title: string; text: string }
  broken: { title: string; text: string }
  offline: { title: string; text: string }
  refusals: {
    taken: string
    /** Of what was offered. */
    lapsed: string
    busyPatient: string
    tooLate: string
    changed: string
    notOnline: string
    /** Of what was written. */
    note: string
    busy: string
    network: string
    unexpected: string
  }
}
