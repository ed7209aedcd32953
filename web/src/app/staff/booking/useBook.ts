import { useMutation } from '@tanstack/react-query'
import { type Clinic, idempotent, type RpcArgs, useChairtime } from '../../../chairtime'
import { nearTime } from '../../format'
import { useUndo } from '../../ui/Toasts'
import { useDentists } from '../../data'
import type { Who } from '../PatientPicker'

type Wanted = Omit<RpcArgs<'book_appointment'>, 'patient_id' | 'idempotency_key'>

/** Books for somebody known or new; what is booked can be taken back. */
export function useBook(clinic: Clinic, who: Who, onKnown: (who: Who) => void, onBooked: () => void) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const dentists = useDentists(clinic.id).data
  const patientOf = async (chosen: Who): Promise<string> => {
    if (chosen?.kind === 'known') return chosen.patient.id
    const { name, phone } = chosen as { name: string; phone: string }
    const patient = await client.rpc('create_patient', {
      clinic_id: clinic.id,
      full_name: name,
      ...(phone ? { phone } : {}),
    })
    // Remembered, so that a second attempt at another time does not register the person twice.
    onKnown({ kind: 'known', patient })
    return patient.id
  }
  return useMutation({
    mutationFn: async (wanted: Wanted) => {
      const patient_id = await patientOf(who)
      return idempotent((idempotency_key) =>
        client.rpc('book_appointment', { ...wanted, patient_id, idempotency_key }),
      )
    },
    onSuccess: ({ id, version, starts_at, dentist_id }) => {
      const dentist = dentists?.find((each) => each.id === dentist_id)?.full_name
      const text = `Booked: ${nearTime(starts_at, clinic.time_zone)}${dentist ? `, with ${dentist}` : ''}.`
      offerUndo(text, () =>
        client.rpc('cancel_appointment', { appointment_id: id, expected_version: version }),
      )
      onBooked()
    },
  })
}
