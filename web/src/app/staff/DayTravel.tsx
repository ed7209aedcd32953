import { ChevronLeft, ChevronRight } from 'lucide-react'
import { addDays, dayIn } from '../format'
import { Button } from '../ui/parts'

interface Props {
  day: string
  /** The day that one comes back to, and what it is called. */
  home: string
  homeName: string
  className?: string
  onShow(day: string): void
}

/** To the day before and after, back, and to any day. */
export function DayTravel({ day, home, homeName, className = '', onShow }: Props) {
  return (
    <>
      <Button
        className={`icon ${className}`}
        aria-label="Day before"
        onClick={() => onShow(addDays(day, -1))}
      >
        <ChevronLeft size={18} />
      </Button>
      <Button className={className} disabled={day === home} onClick={() => onShow(home)}>
        {homeName}
      </Button>
      <Button className={`icon ${className}`} aria-label="Day after" onClick={() => onShow(addDays(day, 1))}>
        <ChevronRight size={18} />
      </Button>
      <input
        type="date"
        className="input small day-input"
        aria-label="Go to day"
        value={day}
        onChange={(event) => dayIn(event.target.value) && onShow(event.target.value)}
      />
    </>
  )
}
