import { useState } from 'react'
import type { DayAppointment } from '../../../chairtime'
import { useIsDesk } from '../../data'
import { MessageList } from '../messages/MessageList'

/** What the patient was told of a visit, for the desk. */
export function VisitMessages({ appointment, zone }: { appointment: DayAppointment; zone: string }) {
  const [isOpen, setOpen] = useState(false)
  const { id, clinic_id, patient_id } = appointment
  if (!useIsDesk(clinic_id)) return null
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Messages</summary>
      {isOpen && (
        <MessageList
          clinicId={clinic_id}
          zone={zone}
          of={{ patientId: patient_id, appointmentId: id }}
          none="Nothing was sent."
        />
      )}
    </details>
  )
}
