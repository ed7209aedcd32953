import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type AppointmentType, type Clinic, useChairtime } from '../../../chairtime'
import { spanOf } from '../../ui/fields'
import { useToast } from '../../ui/Toasts'
import { asJson, type DraftPart } from './drafts'

export const fields = [
  'name',
  'duration',
  'buffer_before',
  'buffer_after',
  'audience',
  'min_notice',
  'booking_horizon',
  'slot_interval',
  'max_per_day',
] as const
const CLEARABLE = ['min_notice', 'booking_horizon', 'slot_interval', 'max_per_day'] as const

interface Wanted {
  form: FormData
  leaderIds: string[]
  parts: DraftPart[]
}

/** Writes a kind of visit and what it needs; where its parts are refused, the rest is there, and is edited from then on. */
export function useSaveType(
  clinic: Clinic,
  type: AppointmentType | null,
  onChanged: () => void,
  onSaved: () => void,
) {
  const client = useChairtime()
  const say = useToast()
  const [id, setId] = useState(type?.id ?? null)
  return useMutation({
    mutationFn: async ({ form, leaderIds, parts }: Wanted) => {
      const rules = rulesOf(form)
      const row = id
        ? await client.rpc('update_appointment_type', {
            appointment_type_id: id,
            ...rules,
            dentist_ids: leaderIds,
            clear: CLEARABLE.filter((name) => rules[name] === undefined),
          })
        : await client.rpc('create_appointment_type', {
            clinic_id: clinic.id,
            ...rules,
            dentist_ids: leaderIds,
          })
      setId(row.id)
      await client.rpc('set_visit_parts', { appointment_type_id: row.id, parts: parts.map(asJson) })
      return row
    },
    onSuccess: ({ name }) => {
      say(`${name} is saved.`)
      onSaved()
    },
    onSettled: onChanged,
  })
}

function rulesOf(form: FormData) {
  const span = (name: string) => spanOf(form, name) ?? undefined
  const perDay = String(form.get('max_per_day') ?? '')
  return {
    name: String(form.get('name')),
    duration: span('duration') as string,
    buffer_before: span('buffer_before') ?? '0',
    buffer_after: span('buffer_after') ?? '0',
    audience: String(form.get('audience')),
    min_notice: span('min_notice'),
    booking_horizon: span('booking_horizon'),
    slot_interval: span('slot_interval'),
    max_per_day: perDay === '' ? undefined : Number(perDay),
  }
}
