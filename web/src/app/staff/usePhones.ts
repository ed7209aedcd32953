import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState, useSyncExternalStore } from 'react'
import { type ClinicDay, useChairtime } from '../../chairtime'

export type Phones = ReadonlyMap<string, string>

/** So many ids fit into an address. */
const AT_ONCE = 100

/**
 * The phone numbers of a day's patients, by patient. They are read with the day, so that a printed day has them; whom
 * events bring later is looked up when a list is shown or printed.
 */
export function usePhones(clinicId: string, day: ClinicDay | undefined, isListed: boolean): Phones {
  const client = useChairtime()
  const isPrinting = usePrinting()
  const [known, setKnown] = useState<{ day: string; ids: string[] } | null>(null)
  const ids = day ? patientsOf(day) : []
  const isOther = day !== undefined && known?.day !== day.day
  const isMissing = (isListed || isPrinting) && ids.some((id) => !known?.ids.includes(id))
  if (day && (isOther || isMissing)) setKnown({ day: day.day, ids })
  const { data } = useQuery({
    queryKey: ['phones', clinicId, known?.ids],
    enabled: known !== null && known.ids.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const wanted = known?.ids ?? []
      const parts = Array.from({ length: Math.ceil(wanted.length / AT_ONCE) }, (_, index) =>
        wanted.slice(index * AT_ONCE, (index + 1) * AT_ONCE),
      )
      const found = await Promise.all(
        parts.map((part) => client.rows('patients', (rows) => rows.in('id', part))),
      )
      return new Map(found.flat().map(({ id, phone }) => [id, phone ?? '']))
    },
  })
  return data ?? new Map()
}

function patientsOf(day: ClinicDay): string[] {
  const rows = day.dentists.flatMap((dentist) => dentist.appointments)
  return [...new Set(rows.map(({ patient_id }) => patient_id))].toSorted()
}

const paper = matchMedia('print')

/** True while the page is laid out for paper. */
function usePrinting(): boolean {
  return useSyncExternalStore(
    (changed) => {
      paper.addEventListener('change', changed)
      return () => paper.removeEventListener('change', changed)
    },
    () => paper.matches,
  )
}
