import { CalendarOff } from 'lucide-react'
import { useState } from 'react'
import { type DayAppointment, findAppointment, useClinicDay } from '../../chairtime'
import { today } from '../format'
import { Empty, ErrorNotice, Notice, Skeleton } from '../ui/parts'
import { BookDialog, type BookDraft } from './booking/BookDialog'
import { DayBoard } from './board/DayBoard'
import { useBoard } from './board/useBoard'
import { DayHead } from './DayHead'
import { DayList } from './DayList'
import type { DeskProps } from './Desk'
import { NoCalendar } from './NoCalendar'
import { PrintedDay } from './PrintedDay'
import { useDayView } from './useDayView'
import { usePhones } from './usePhones'
import { useSayDone } from './useSayDone'
import { AppointmentDialog } from './visit/AppointmentDialog'

/** The clinic's day: look, book, move, check in. */
export function DayPage(desk: DeskProps) {
  const { role, dentist_id } = desk.membership
  return role === 'dentist' && !dentist_id ? <NoCalendar /> : <Day {...desk} />
}

function Day({ clinic, membership }: DeskProps) {
  const shown = useDayView(clinic.time_zone)
  const ownDentist = membership.role === 'dentist' ? membership.dentist_id : null
  const onDone = useSayDone(clinic.time_zone)
  const live = useClinicDay({ clinicId: clinic.id, day: shown.day, dentistId: ownDentist, onDone })
  const board = useBoard(clinic.id, live, ownDentist === null)
  const [chosenId, setChosenId] = useState<string | null>(null)
  const [draft, setDraft] = useState<BookDraft | null>(null)
  const phones = usePhones(clinic.id, live.day, shown.view === 'list')
  const openId = chosenId ?? shown.visit
  // While a move to another day is on its way, it stays open as it was: it may yet be refused.
  const moving = live.move.isPending ? live.move.variables.appointment : undefined
  const open =
    (openId && live.day && findAppointment(live.day, openId)) || (moving?.id === openId ? moving : undefined)
  const working = live.day?.dentists.filter((each) => each.is_active || each.appointments.length > 0) ?? []
  const dentists = shown.chosen(working)
  const openIt = (appointment: DayAppointment) => {
    // What was refused before was about something else.
    for (const action of [live.move, live.setStatus, live.resize, live.reseat, live.swap])
      if (!action.isPending) action.reset()
    setChosenId(appointment.id)
  }
  const close = () => {
    setChosenId(null)
    if (shown.visit) shown.forgetVisit()
  }
  return (
    <div className="day-page">
      <DayHead
        clinic={clinic}
        shown={shown}
        day={live.day}
        dentists={working}
        board={board}
        onBook={() => setDraft({ day: shown.day })}
        onWalkIn={() => setDraft({ day: today(clinic.time_zone), isNow: true })}
      />
      {shown.isMistaken && <Notice tone="warn">The address names no day. This is today.</Notice>}
      {shown.visit && live.day && !findAppointment(live.day, shown.visit) && (
        <Notice tone="warn">The visit of the address is not on this day, or not any more.</Notice>
      )}
      <ErrorNotice error={live.error} retry={live.refresh} />
      {!live.day && !live.error && <Skeleton height="calc(100dvh - 150px)" />}
      {live.day && dentists.length === 0 && (
        <Empty icon={<CalendarOff />} title="No dentists yet">
          <p>As soon as an administrator adds one, their day appears here.</p>
        </Empty>
      )}
      {live.day && dentists.length > 0 && shown.view === 'board' && (
        <DayBoard
          key={shown.day}
          day={live.day}
          of={board.of}
          columns={board.columns(live.day, dentists)}
          slotInterval={clinic.slot_interval}
          onOpen={openIt}
          onBook={(columnId, startsAt) =>
            setDraft({
              day: shown.day,
              startsAt,
              ...(board.of === 'dentists' ? { dentistId: columnId } : { resourceId: columnId }),
            })
          }
          onMove={board.move}
        />
      )}
      {live.day && dentists.length > 0 && shown.view === 'list' && (
        <DayList dentists={dentists} zone={clinic.time_zone} phones={phones} onOpen={openIt} />
      )}
      {live.day && (
        <PrintedDay clinic={clinic} day={live.day.day} dentists={dentists} phones={phones} as={shown.view} />
      )}
      {open && live.day && (
        <AppointmentDialog appointment={open} day={live.day} actions={live} onClose={close} />
      )}
      {draft && (
        <BookDialog clinic={clinic} draft={draft} dentistId={ownDentist} onClose={() => setDraft(null)} />
      )}
    </div>
  )
}
