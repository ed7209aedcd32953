import type { FoundPatient } from '../../../chairtime'
import { dayOf, nearTime, shortDay } from '../../format'
import { Avatar } from '../../ui/parts'

/** Somebody who was found: who, born when, reached how, and the visits nearest to now. */
export function FoundPerson({ patient, zone }: { patient: FoundPatient; zone: string }) {
  const { full_name, birth_date, phone, email, next_visit, last_visit } = patient
  return (
    <span className="found">
      <Avatar name={full_name} small />
      <span className="found-who">
        <strong className="clip">{full_name}</strong>
        <small className="muted num">
          {birth_date && `born ${shortDay(birth_date)}, `}
          {phone ?? email ?? 'no phone number'}
        </small>
      </span>
      <small className="found-visits num muted">
        {next_visit && <span>Next: {nearTime(next_visit, zone)}</span>}
        {last_visit && <span>Last: {shortDay(dayOf(last_visit, zone))}</span>}
        {!next_visit && !last_visit && <span>No visits</span>}
      </small>
    </span>
  )
}
