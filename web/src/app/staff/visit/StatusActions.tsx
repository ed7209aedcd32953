import {
  ArrowLeftRight,
  CalendarX2,
  Check,
  CheckCheck,
  MoveRight,
  RotateCcw,
  Timer,
  UserX,
} from 'lucide-react'
import type { ReactNode } from 'react'
import { type AppointmentStatus, epoch, useChairtime } from '../../../chairtime'
import { dayOf } from '../../format'
import { Button, ErrorNotice } from '../../ui/parts'
import { isMovable } from '../board/useMoving'
import type { Pane, PaneProps } from './AppointmentDialog'

interface Step {
  to: AppointmentStatus
  label: string
  icon: ReactNode
  isMain?: boolean
}

/** Onwards, and what was set by mistake taken back. */
const steps: Record<AppointmentStatus, Step[]> = {
  booked: [
    { to: 'checked_in', label: 'Check in', icon: <Check size={17} />, isMain: true },
    { to: 'no_show', label: 'Missed', icon: <UserX size={17} /> },
  ],
  checked_in: [
    { to: 'fulfilled', label: 'Done', icon: <CheckCheck size={17} />, isMain: true },
    { to: 'booked', label: 'Not here yet', icon: <RotateCcw size={17} /> },
  ],
  fulfilled: [{ to: 'checked_in', label: 'Not done yet', icon: <RotateCcw size={17} /> }],
  no_show: [
    { to: 'checked_in', label: 'Is here after all', icon: <Check size={17} />, isMain: true },
    { to: 'booked', label: 'Not missed', icon: <RotateCcw size={17} /> },
  ],
  cancelled: [{ to: 'booked', label: 'Book again', icon: <RotateCcw size={17} />, isMain: true }],
}

/** What becomes of an appointment. What the clock does not allow yet is not offered. */
export function StatusActions({
  appointment,
  day,
  actions,
  onPane,
  onClose,
}: PaneProps & { onPane(pane: Pane): void }) {
  const { clock } = useChairtime()
  const { status, starts_at } = appointment
  const now = clock.now()
  const hasBegun = epoch(starts_at) <= now
  const isItsDay =
    hasBegun || dayOf(starts_at, day.time_zone) === dayOf(new Date(now).toISOString(), day.time_zone)
  const isTimely = ({ to }: Step) =>
    to === 'fulfilled' || to === 'no_show' ? hasBegun : to === 'checked_in' ? isItsDay : true
  const claims = status === 'booked' || status === 'checked_in'
  const { setStatus } = actions
  return (
    <>
      <ErrorNotice error={setStatus.error} />
      <div className="status-actions">
        {steps[status].filter(isTimely).map(({ to, label, icon, isMain }) => (
          <Button
            key={to}
            className={isMain ? 'primary' : ''}
            busy={setStatus.isPending}
            onClick={() => setStatus.mutate({ appointment, status: to }, { onSuccess: onClose })}
          >
            {icon} {label}
          </Button>
        ))}
        {isMovable(appointment) && (
          <Button onClick={() => onPane('move')}>
            <MoveRight size={17} /> Move
          </Button>
        )}
        {claims && (
          <Button onClick={() => onPane('length')}>
            <Timer size={17} /> Length
          </Button>
        )}
        {isMovable(appointment) && (
          <Button onClick={() => onPane('swap')}>
            <ArrowLeftRight size={17} /> Swap
          </Button>
        )}
        {claims && (
          <Button className="danger quiet" onClick={() => onPane('cancel')}>
            <CalendarX2 size={17} /> Cancel
          </Button>
        )}
      </div>
    </>
  )
}
