import type { Done } from '../../chairtime'
import { clockTime, nearTime } from '../format'
import { useUndo } from '../ui/Toasts'

const statusWords = {
  booked: 'booked, as before',
  checked_in: 'checked in',
  fulfilled: 'done',
  no_show: 'missed',
  cancelled: 'cancelled',
}

/** Says what was done to an appointment, and offers for a while to take it back. */
export function useSayDone(zone: string): (done: Done) => void {
  const offerUndo = useUndo()
  return (done) => offerUndo(`${done.before.patient_name}: ${words(done, zone)}.`, done.undo)
}

function words({ kind, after }: Done, zone: string): string {
  switch (kind) {
    case 'moved':
      return `moved to ${nearTime(after.starts_at, zone)}`
    case 'decided':
      return statusWords[after.status]
    case 'resized':
      return `now until ${clockTime(after.ends_at, zone)}`
    case 'reseated':
      return 'what the visit takes is changed'
    case 'swapped':
      return `now at ${nearTime(after.starts_at, zone)}, swapped`
  }
}
