import { CalendarX2, Check, CheckCheck, Clock, UserX } from 'lucide-react'
import type { AppointmentStatus } from '../../chairtime'

const shown: Record<AppointmentStatus, { label: string; icon: typeof Clock }> = {
  booked: { label: 'Booked', icon: Clock },
  checked_in: { label: 'Checked in', icon: Check },
  fulfilled: { label: 'Done', icon: CheckCheck },
  cancelled: { label: 'Cancelled', icon: CalendarX2 },
  no_show: { label: 'Missed', icon: UserX },
}

export function StatusBadge({ status }: { status: AppointmentStatus }) {
  const { label, icon: Icon } = shown[status]
  return (
    <span className={`badge ${status}`}>
      <Icon size={13} aria-hidden="true" /> {label}
    </span>
  )
}
