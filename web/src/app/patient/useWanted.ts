import { useSearchParams } from 'wouter'
import { dayIn } from '../format'

/** What the address of the booking page asks for. Null: it does not say, or nothing that could be understood. */
export interface Wish {
  move: string | null
  clinic: string | null
  type: string | null
  dentist: string | null
  anyDentist: boolean
  /** The patient for whom one books; null: oneself. */
  patient: string | null
  from: string | null
  choose(changes: Record<string, string | null>): void
}

const ANY = 'any'

export function useWanted(): Wish {
  const [search, setSearch] = useSearchParams()
  const dentist = search.get('dentist')
  return {
    move: search.get('move'),
    clinic: search.get('clinic'),
    type: search.get('type'),
    dentist: dentist === ANY ? null : dentist,
    anyDentist: dentist === ANY,
    patient: search.get('for'),
    from: dayIn(search.get('from')),
    choose: (changes) =>
      setSearch(
        (before) => {
          const next = new URLSearchParams(before)
          for (const [key, value] of Object.entries(changes))
            if (value === null) next.delete(key)
            else next.set(key, value)
          return next
        },
        { replace: true },
      ),
  }
}
