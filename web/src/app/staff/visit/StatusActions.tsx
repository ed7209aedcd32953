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
import { Button, ErrorNotice } from '../../ui/parts'
import { isMovable } from '../board/useMoving'
import type { Pane, PaneProps } from './AppointmentDialog'

/** What the way from one status to another is called. */
const labels: Partial<Record<`${AppointmentStatus} ${AppointmentStatus}`, string>> = {
  'booked checked_in': 'Check in',
  'booked no_show': 'Missed',
  'checked_in fulfilled': 'Done',
  'checked_in booked': 'Not here yet',
  'fulfilled checked_in': 'Not done yet',
  'no_show checked_in': 'Is here after all',
  'no_show booked': 'Not missed',
  'cancelled booked': 'Book again',
}
const icons: Partial<Record<AppointmentStatus, ReactNode>> = {
  checked_in: <Check size={17} />,
  fulfilled: <CheckCheck size={17} />,
  no_show: <UserX size={17} />,
}

/** What becomes of an appointment. What the clock does not allow yet is not offered. */
export function StatusActions({
  appointment,
  actions,
  onPane,
  onClose,
}: PaneProps & { onPane(pane: Pane): void }) {
  const { clock } = useChairtime()
  const { status } = appointment
  // To cancel is asked for below, with a reason.
  const steps = appointment.next_steps.filter(
    ({ status: to, from }) => to !== 'cancelled' && (from === null || epoch(from) <= clock.now()),
  )
  const claims = status === 'booked' || status === 'checked_in'
  const { setStatus } = actions
  return (
    <>
      <ErrorNotice error={setStatus.error} />
      <div className="status-actions">
        {steps.map(({ status: to, takes_back }, index) => (
          <Button
            key={to}
            className={index === 0 && (!takes_back || status === 'cancelled') ? 'primary' : ''}
            busy={setStatus.isPending}
            onClick={() => setStatus.mutate({ appointment, status: to }, { onSuccess: onClose })}
          >
            {takes_back ? <RotateCcw size={17} /> : icons[to]} {labels[`${status} ${to}`]}
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
