import { Columns3, DoorOpen, List, Plus, Printer } from 'lucide-react'
import type { Clinic, ClinicDay, DayDentist } from '../../chairtime'
import { dayInWords, today } from '../format'
import { Button, PageTitle } from '../ui/parts'
import type { ColumnsOf } from './board/columns'
import type { useBoard } from './board/useBoard'
import { DaySummary } from './DaySummary'
import { DayTravel } from './DayTravel'
import { DentistFilter } from './DentistFilter'
import type { useDayView, View } from './useDayView'

interface Props {
  clinic: Clinic
  shown: ReturnType<typeof useDayView>
  day: ClinicDay | undefined
  dentists: DayDentist[]
  board: ReturnType<typeof useBoard>
  onBook(): void
  onWalkIn(): void
}

const views: { value: View; label: string; icon: typeof List }[] = [
  { value: 'board', label: 'Board', icon: Columns3 },
  { value: 'list', label: 'List', icon: List },
]

const columns: { value: ColumnsOf; label: string }[] = [
  { value: 'dentists', label: 'Dentists' },
  { value: 'chairs', label: 'Chairs' },
]

/** Which day is shown, how it goes, and everything that changes what is shown. */
export function DayHead({ clinic, shown, day, dentists, board, onBook, onWalkIn }: Props) {
  return (
    <header className="day-head">
      <div className="day-title">
        <PageTitle aria-live="polite">{dayInWords(shown.day)}</PageTitle>
        <DaySummary day={day} onCancelled={() => shown.showView('list')} />
      </div>
      <div className="toolbar">
        {board.hasChairs && shown.view === 'board' && (
          <div className="segmented" role="group" aria-label="Columns">
            {columns.map(({ value, label }) => (
              <button
                key={value}
                type="button"
                aria-pressed={board.of === value}
                onClick={() => board.choose(value)}
              >
                {label}
              </button>
            ))}
          </div>
        )}
        {(board.of === 'dentists' || shown.view === 'list') && (
          <DentistFilter
            dentists={dentists}
            chosen={shown.chosen(dentists)}
            onChoose={(ids) => shown.showOnly(ids)}
          />
        )}
        <div className="segmented" role="group" aria-label="View">
          {views.map(({ value, label, icon: Icon }) => (
            <button
              key={value}
              type="button"
              aria-pressed={shown.view === value}
              aria-label={label}
              title={label}
              onClick={() => shown.showView(value)}
            >
              <Icon size={16} />
            </button>
          ))}
        </div>
        <Button className="icon" aria-label="Print the day" title="Print the day" onClick={() => print()}>
          <Printer size={17} />
        </Button>
        <DayTravel day={shown.day} home={today(clinic.time_zone)} homeName="Today" onShow={shown.showDay} />
        <Button onClick={onWalkIn}>
          <DoorOpen size={17} /> Walk-in
        </Button>
        <Button className="primary" onClick={onBook}>
          <Plus size={18} /> Book
        </Button>
      </div>
    </header>
  )
}
