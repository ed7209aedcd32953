import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChairtime } from '../provider'
import { useFresh } from './useFresh'
import { useTopic } from './useTopic'

export interface PatientQuery {
  clinicId: string
  patientId: string
  /** Given for somebody who works only with one dentist's calendar (role `dentist`). */
  dentistId?: string | null
}

/** Everything that is asked about one patient is kept under this key, and is old when the record has changed. */
export function patientKey(patientId: string, ...part: unknown[]): unknown[] {
  return ['chairtime', 'patient', patientId, ...part]
}

/** A clinic's patient, for its staff, live; null where there is none that one may see. */
export function usePatient({ clinicId, patientId, dentistId = null }: PatientQuery) {
  const client = useChairtime()
  const refresh = useFresh(patientKey(patientId))
  const query = useQuery({
    queryKey: patientKey(patientId, 'record'),
    queryFn: async () => {
      const [patient] = await client.rows('patients', (rows) =>
        rows.eq('id', patientId).eq('clinic_id', clinicId),
      )
      return patient ?? null
    },
  })
  useTopic(dentistId ? `dentist:${dentistId}` : `clinic:${clinicId}`, {
    onResync: refresh,
    onEvent: (event) => {
      if (event.patient_id === patientId) refresh()
    },
  })
  return { patient: query.data, error: query.error ?? query.failureReason, refresh }
}

const PAGE = 10
const CLAIMING = '(booked,checked_in)'

/** A patient's visits at a clinic: those ahead, and page by page what is past, cancelled or missed, the latest first. */
export function usePatientVisits({ clinicId, patientId }: PatientQuery) {
  const client = useChairtime()
  const [now] = useState(() => new Date(client.clock.now()).toISOString())
  const ahead = useQuery({
    queryKey: patientKey(patientId, 'ahead'),
    queryFn: () =>
      client.rows('appointments', (rows) =>
        rows
          .eq('patient_id', patientId)
          .eq('clinic_id', clinicId)
          .filter('status', 'in', CLAIMING)
          .gt('ends_at', now)
          .order('starts_at')
          .order('id'),
      ),
  })
  const earlier = useInfiniteQuery({
    queryKey: patientKey(patientId, 'earlier'),
    initialPageParam: 0,
    queryFn: ({ pageParam }) =>
      client.rows('appointments', (rows) =>
        rows
          .eq('patient_id', patientId)
          .eq('clinic_id', clinicId)
          .or(`status.not.in.${CLAIMING},ends_at.lte.${now}`)
          .order('starts_at', { ascending: false })
          .order('id')
          // One more than is shown says whether there is another page.
          .range(pageParam, pageParam + PAGE),
      ),
    getNextPageParam: (page, _pages, from) => (page.length > PAGE ? from + PAGE : undefined),
  })
  return {
    ahead: ahead.data,
    earlier: earlier.data?.pages.flatMap((page) => page.slice(0, PAGE)),
    hasMore: earlier.hasNextPage,
    isLoadingMore: earlier.isFetchingNextPage,
    more: () => void earlier.fetchNextPage(),
    error: ahead.error ?? earlier.error ?? ahead.failureReason ?? earlier.failureReason,
  }
}
