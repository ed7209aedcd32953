import { useState } from 'react'
import { type ClinicDay, type DayDentist, epoch, type useClinicDay } from '../../../chairtime'
import { explain } from '../../messages'
import { useToast } from '../../ui/Toasts'
import { chairColumns, type ColumnsOf, dentistColumns } from './columns'
import type { Card } from './useMoving'

const STORED = 'chairtime.columns'

/** What the columns are, which are remembered on this device; and what becomes of a card that is put down in one. */
export function useBoard(
  clinicId: string,
  live: Pick<ReturnType<typeof useClinicDay>, 'day' | 'move' | 'reseat'>,
  seesAll: boolean,
) {
  const say = useToast()
  const key = `${STORED}:${clinicId}`
  const [wanted, setWanted] = useState(() => localStorage.getItem(key))
  // Who sees only their own visits would take chairs for free that are not.
  const hasChairs = seesAll && (live.day?.resources.length ?? 0) > 0
  const of: ColumnsOf = wanted === 'chairs' && hasChairs ? 'chairs' : 'dentists'
  const refused = (error: Error) => say(`Not moved. ${explain(error).title}: ${explain(error).advice}`, 'bad')
  const move = ({ appointment, part, columnId: from }: Card, columnId: string, startsAt: string) => {
    if (of === 'dentists') {
      return live.move.mutate({ appointment, dentistId: columnId, startsAt }, { onError: refused })
    }
    const reseat = () => {
      if (columnId !== from) {
        live.reseat.mutate({ appointment, part, resourceId: columnId }, { onError: refused })
      }
    }
    if (epoch(startsAt) === epoch(appointment.starts_at)) return reseat()
    // First the time: the chair that is wanted is that of then.
    const dentistId = appointment.dentist_id
    live.move.mutate({ appointment, dentistId, startsAt }, { onError: refused, onSuccess: reseat })
  }
  return {
    of,
    hasChairs,
    choose: (next: ColumnsOf) => {
      localStorage.setItem(key, next)
      setWanted(next)
    },
    columns: (day: ClinicDay, dentists: DayDentist[]) =>
      of === 'chairs' ? chairColumns(day) : dentistColumns(day, dentists),
    move,
  }
}
