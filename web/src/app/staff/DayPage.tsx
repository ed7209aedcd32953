import { ChevronLeft, ChevronRight, Plus } from 'lucide-react'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { type DayAppointment, findAppointment, useClinicDay } from '../../chairtime'
import { addDays, dayIn, dayInWords, today } from '../format'
import { explain } from '../messages'
import { Button, ErrorNotice, Notice, PageTitle, Skeleton } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { AppointmentDialog } from './AppointmentDialog'
import { BookDialog, type BookDraft } from './BookDialog'
import type { DeskProps } from './Desk'
import { DayBoard } from './DayBoard'
import { DaySummary } from './DaySummary'
import { NoCalendar } from './NoCalendar'

/** The clinic's day: look, book, move, check in. */
export function DayPage(desk: DeskProps) {
  const { role, dentist_id } = desk.membership
  return role === 'dentist' && !dentist_id ? <NoCalendar /> : <Day {...desk} />
}

function Day({ clinic, membership }: DeskProps) {
  const zone = clinic.time_zone
  const [search, setSearch] = useSearchParams()
  const asked = search.get('day')
  const shown = dayIn(asked) ?? today(zone)
  const show = (day: string) => setSearch({ day }, { replace: true })
  const ownDentist = membership.role === 'dentist' ? membership.dentist_id : null
  const live = useClinicDay({ clinicId: clinic.id, day: shown, dentistId: ownDentist })
  const say = useToast()
  const [openId, setOpenId] = useState<string | null>(null)
  const [draft, setDraft] = useState<BookDraft | null>(null)
  const open = openId && live.day ? findAppointment(live.day, openId) : undefined

  const move = (appointment: DayAppointment, dentistId: string, startsAt: string) =>
    live.move.mutate(
      { appointment, dentistId, startsAt },
      { onError: (error) => say(`Not moved. ${explain(error).title}: ${explain(error).advice}`, 'bad') },
    )
  return (
    <div className="day-page">
      <header className="day-head">
        <div className="day-title">
          <PageTitle aria-live="polite">{dayInWords(shown)}</PageTitle>
          <DaySummary day={live.day} />
        </div>
        <div className="toolbar">
          <Button className="icon" aria-label="Day before" onClick={() => show(addDays(shown, -1))}>
            <ChevronLeft size={18} />
          </Button>
          <Button onClick={() => show(today(zone))} disabled={shown === today(zone)}>
            Today
          </Button>
          <Button className="icon" aria-label="Day after" onClick={() => show(addDays(shown, 1))}>
            <ChevronRight size={18} />
          </Button>
          <input
            type="date"
            className="input small day-input"
            aria-label="Go to day"
            value={shown}
            onChange={(event) => event.target.value && show(event.target.value)}
          />
          <Button className="primary" onClick={() => setDraft({ day: shown })}>
            <Plus size={18} /> Book
          </Button>
        </div>
      </header>
      {asked !== null && dayIn(asked) === null && (
        <Notice tone="warn">The address names no day. This is today.</Notice>
      )}
      <ErrorNotice error={live.error} retry={live.refresh} />
      {live.day ? (
        <DayBoard
          key={shown}
          day={live.day}
          slotInterval={clinic.slot_interval}
          onOpen={(appointment) => setOpenId(appointment.id)}
          onBook={(dentistId, startsAt) => setDraft({ day: shown, dentistId, startsAt })}
          onMove={move}
        />
      ) : (
        !live.error && <Skeleton height="calc(100dvh - 150px)" />
      )}
      {open && live.day && (
        <AppointmentDialog
          appointment={open}
          dentists={live.day.dentists}
          zone={zone}
          actions={live}
          onClose={() => setOpenId(null)}
        />
      )}
      {draft && (
        <BookDialog clinic={clinic} draft={draft} dentistId={ownDentist} onClose={() => setDraft(null)} />
      )}
    </div>
  )
}
