import { useEffect } from 'react'
import type { Linked, LinkAction, LinkedVisit } from '../../chairtime'
import { timesIn } from './times'
import type { Words } from './words'

/** What is asked before it is done; the address says which, so that going back takes nothing along. */
export const views = ['book', 'move', 'cancel', 'note', 'not_me', 'stop'] as const
export type View = (typeof views)[number]

/** What every view of a link's page is given. */
export interface ViewProps<Shown extends Linked = LinkedVisit> {
  visit: Shown
  words: Words
  error: Error | null
  isBusy: boolean
  act(action: LinkAction, more?: { startsAt?: string; note?: string }): void
  go(view: View | null, value?: string): void
}

/** The name of the tab; the app's own would say nothing to who has only a message. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title
  }, [title])
}

/** An instant by the clinic's clock, in the message's language. */
export function whenOf(timestamp: string, visit: Linked, words: Words): string {
  const times = timesIn(visit.locale, visit.clinic.time_zone)
  // In a sentence no line ends between the clock and its half of the day.
  return words.dayAndTime(times.day(timestamp), times.time(timestamp).replace(' ', '\u00a0'))
}
