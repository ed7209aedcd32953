import { useMutation } from '@tanstack/react-query'
import {
  type Appointment,
  type ChairtimeClient,
  type Clinic,
  idempotent,
  type RpcArgs,
  useChairtime,
} from '../../../chairtime'
import { nearTime } from '../../format'
import { useUndo } from '../../ui/Toasts'
import { useDentists } from '../../data'
import type { Who } from '../PatientPicker'
import { recordOf } from '../patients/register'

type Wanted = Omit<RpcArgs<'book_appointment'>, 'patient_id' | 'idempotency_key'>

interface Asked {
  wanted: Wanted
  /** Who it turned out to be. */
  whom?: Who
  /** Somebody new, for sure: not one of those who are much alike. */
  isOther?: boolean
}

interface Booking {
  who: Who
  /** Somebody new is registered. */
  onKnown(who: Who): void
  /** The chair that is wished for. */
  resourceId: string | undefined
  onBooked(): void
}

/** Books for somebody known or new; what is booked can be taken back. */
export function useBook(clinic: Clinic, { who, onKnown, resourceId, onBooked }: Booking) {
  const client = useChairtime()
  const offerUndo = useUndo()
  const dentists = useDentists(clinic.id).data
  return useMutation({
    mutationFn: async ({ wanted, whom = who, isOther = false }: Asked) => {
      const patient_id = await recordOf(client, clinic.id, whom, { isOther, onKnown })
      const booked = await idempotent((idempotency_key) =>
        client.rpc('book_appointment', { ...wanted, patient_id, idempotency_key }),
      )
      return resourceId ? seated(client, booked, resourceId) : booked
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

/** In this chair, if the visit takes one like it and it is free; otherwise where the booking has put it. */
async function seated(
  client: ChairtimeClient,
  booked: Appointment,
  resourceId: string,
): Promise<Appointment> {
  const { id: appointment_id, clinic_id, appointment_type_id } = booked
  const [resource] = await client.rows('resources', (rows) =>
    rows.eq('id', resourceId).eq('clinic_id', clinic_id),
  )
  const parts = await client.rows('type_parts', (rows) => rows.eq('appointment_type_id', appointment_type_id))
  const part = parts.find(({ needs }) => needs === resource?.kind)?.part
  if (part === undefined) return booked
  return client.rpc('move_to_resource', { appointment_id, part, resource_id: resourceId }).catch(() => booked)
}
