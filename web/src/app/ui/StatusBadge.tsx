import { CalendarCheck2, CalendarX2, Check, CheckCheck, Clock, UserX } from 'lucide-react'
import type { AppointmentStatus } from '../../chairtime'

const shown: Record<AppointmentStatus, { label: string; icon: typeof Clock }> = {
  booked: { label: 'Booked', icon: Clock },
  checked_in: { label: 'Checked in', icon: Check },
  fulfilled: { label: 'Done', icon: CheckCheck },
  cancelled: { label: 'Cancelled', icon: CalendarX2 },
  no_show: { label: 'Missed', icon: UserX },
}

const confirmed = { label: 'Confirmed', icon: CalendarCheck2 }

/** Where somebody has said that the patient will come, a booked visit is a confirmed one. */
export function StatusBadge({
  status,
  isConfirmed = false,
}: {
  status: AppointmentStatus
  isConfirmed?: boolean
}) {
  const { label, icon: Icon } = isConfirmed && status === 'booked' ? confirmed : shown[status]
  return (
    <span className={`badge ${status}`}>
      <Icon size={13} aria-hidden="true" /> {label}
    </span>
  )
}
