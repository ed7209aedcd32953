import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

/** So long nothing more is typed before the server is asked. */
const PAUSE = 150

interface Search {
  clinicId: string
  text: string
  max: number
  /** Given for somebody who works only with one dentist's calendar (role `dentist`). */
  dentistId?: string | null
}

/**
 * The clinic's patients who fit what is typed, live. What is found is kept in sight until the answer to what was typed last
 * is there: `isCurrent` says that it is.
 */
export function usePatientSearch({ clinicId, text, max, dentistId = null }: Search) {
  const client = useChairtime()
  const typed = text.trim()
  const query = useSettled(typed)
  const asked = ['chairtime', 'patients found', clinicId]
  const refresh = useFresh(asked)
  const { data, error, failureReason, isPlaceholderData } = useQuery({
    queryKey: [...asked, query, max],
    enabled: query !== '',
    staleTime: 0,
    placeholderData: keepPreviousData,
    queryFn: () => client.rpc('search_patients', { clinic_id: clinicId, query, max_results: max }),
  })
  useTopic(dentistId ? null : `clinic:${clinicId}`, {
    onResync: refresh,
    onEvent: ({ event }) => {
      if (event === 'patient_updated') refresh()
    },
  })
  const found = query === '' || typed === '' ? undefined : data
  return {
    found,
    isCurrent: found !== undefined && query === typed && !isPlaceholderData,
    error: error ?? failureReason,
  }
}

/** The text as it was when typing last paused. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}
