import { useSearchParams } from 'wouter'
import type { Clinic, DayDentist } from '../../chairtime'
import { dayIn, dayOf, today } from '../format'

export type View = 'board' | 'list'

/** The address of a visit: its day, with it opened. */
export function visitPath({ slug, time_zone }: Clinic, visit: { id: string; starts_at: string }): string {
  return `/desk/${slug}/day?day=${dayOf(visit.starts_at, time_zone)}&visit=${visit.id}`
}

/** What the address of the day page says: which day, as what, and of whom. Each change keeps the rest. */
export function useDayView(zone: string) {
  const [search, setSearch] = useSearchParams()
  const asked = search.get('day')
  const day = dayIn(asked)
  const only = search.get('only')?.split(',') ?? []
  const change = (key: 'day' | 'view' | 'only' | 'visit', value: string | null) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        if (value) next.set(key, value)
        else next.delete(key)
        // It is of the day that was asked for.
        if (key === 'day') next.delete('visit')
        return next
      },
      { replace: true },
    )
  return {
    day: day ?? today(zone),
    /** The address names a day, but none that there is. */
    isMistaken: asked !== null && day === null,
    view: (search.get('view') === 'list' ? 'list' : 'board') as View,
    /** The visit that the address opens. */
    visit: search.get('visit'),
    forgetVisit: () => change('visit', null),
    showDay: (next: string) => change('day', next),
    showView: (next: View) => change('view', next === 'list' ? next : null),
    showOnly: (ids: string[]) => change('only', ids.join(',')),
    /** Those who are chosen; all, if none of them is here. */
    chosen: (dentists: DayDentist[]) => {
      const chosen = dentists.filter(({ dentist_id }) => only.includes(dentist_id))
      return chosen.length > 0 ? chosen : dentists
    },
  }
}
