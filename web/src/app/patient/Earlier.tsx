import { useState } from 'react'
import type { Appointment, Clinic } from '../../chairtime'
import { leadersOf, useDentists, useDentistTypes } from '../data'
import { Button } from '../ui/parts'
import { WaitDialog } from './WaitDialog'

interface Props {
  appointment: Appointment
  clinic: Clinic
  type: string
}

/** Waiting for a time that is earlier than an appointment. */
export function Earlier({ appointment, clinic, type }: Props) {
  const [isAsked, setAsked] = useState(false)
  const dentists = useDentists(clinic.id).data?.filter(({ is_active }) => is_active)
  const offers = useDentistTypes(clinic.id).data
  return (
    <>
      <Button className="small" onClick={() => setAsked(true)}>
        Is there something earlier?
      </Button>
      {isAsked && (
        <WaitDialog
          clinic={clinic}
          type={{ id: appointment.appointment_type_id, name: type }}
          dentists={leadersOf(dentists, offers, appointment.appointment_type_id)}
          dentistId={null}
          patientId={null}
          appointmentId={appointment.id}
          onClose={() => setAsked(false)}
        />
      )}
    </>
  )
}
