import type { AffectedAppointment } from '../../chairtime'
import { clockTime, longDay } from '../format'
import { Notice } from '../ui/parts'

interface Props {
  appointments: AffectedAppointment[]
  zone: string
  /** What a change does to them, as the end of a sentence. */
  fate: string
}

/** The appointments that a change would leave without their dentist, before it is made. */
export function Affected({ appointments, zone, fate }: Props) {
  if (appointments.length === 0) return <Notice tone="good">No appointment is in the way.</Notice>
  const count = appointments.length === 1 ? '1 appointment' : `${appointments.length} appointments`
  return (
    <Notice tone="warn">
      <p>
        <strong>
          {count} {fate}
        </strong>
      </p>
      <ul>
        {appointments.map(({ appointment_id, patient_name, starts_at }) => (
          <li key={appointment_id}>
            {patient_name}: {longDay(starts_at, zone)}, {clockTime(starts_at, zone)}
          </li>
        ))}
      </ul>
    </Notice>
  )
}
