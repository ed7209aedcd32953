import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { type AppointmentType, useChairtime, useNextSlots } from '../../../chairtime'
import { instantAt, today } from '../../format'

/** When a visit is to be: the next free time, now, one of the free times, or a time that somebody says. */
export type Choice = { how: 'next' | 'now' } | { how: 'listed' | 'exact'; startsAt: string }

const MINUTE = 60_000

interface Wish {
  choice: Choice
  type: AppointmentType | undefined
  dentistId: string | null
  /** The day that is looked at: what is next is not before it. */
  day: string
  zone: string
}

/** A choice as a time; null while it is not known. Whether it is free is asked for where no list says so. */
export function useChoice({ choice, type, dentistId, day, zone }: Wish) {
  const fromTime = day > today(zone) ? instantAt(day, '00:00', zone) : null
  const next = useNextSlots({ appointmentType: type, dentistId, fromTime })
  const now = useThisMinute()
  const startsAt =
    'startsAt' in choice ? choice.startsAt : choice.how === 'now' ? now : next.slots?.[0]?.starts_at
  const isAsked = choice.how === 'now' || choice.how === 'exact'
  const verdict = useVerdict(isAsked ? (startsAt ?? null) : null, type, dentistId)
  return { next, startsAt: startsAt ?? null, verdict }
}

/** Whether a time could be booked, and if not, why. */
function useVerdict(startsAt: string | null, type: AppointmentType | undefined, dentistId: string | null) {
  const client = useChairtime()
  const { data } = useQuery({
    queryKey: ['verdict', type?.id, startsAt, dentistId],
    enabled: startsAt !== null && type !== undefined,
    staleTime: 0,
    queryFn: () =>
      client.rpc('explain_slot', {
        appointment_type_id: (type as AppointmentType).id,
        starts_at: startsAt as string,
        ...(dentistId ? { dentist_id: dentistId } : {}),
      }),
  })
  return data
}

/** The minute that has begun, by the server's clock. */
function useThisMinute(): string {
  const { clock } = useChairtime()
  const begun = () => Math.floor(clock.now() / MINUTE) * MINUTE
  const [minute, setMinute] = useState(begun)
  useEffect(() => {
    const timer = setTimeout(() => setMinute(begun()), MINUTE - (clock.now() % MINUTE) + 50)
    return () => clearTimeout(timer)
  })
  return new Date(minute).toISOString()
}
