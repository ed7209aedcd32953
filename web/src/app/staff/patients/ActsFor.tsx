import { useQuery } from '@tanstack/react-query'
import { Link } from 'wouter'
import { patientKey, useChairtime } from '../../../chairtime'
import { shortDay } from '../../format'
import { Avatar, ErrorNotice } from '../../ui/parts'
import { untold } from '../useInvitations'
import type { PartProps } from './PatientPage'

/** Whom the patient's own login acts for, here. */
export function ActsFor({
  userId,
  patient,
  clinic,
}: Pick<PartProps, 'patient' | 'clinic'> & { userId: string }) {
  const client = useChairtime()
  const { data, error, failureReason } = useQuery({
    queryKey: patientKey(patient.id, 'dependants', userId),
    ...untold,
    queryFn: async () => {
      const acts = await client.rows('guardians', (rows) =>
        rows.eq('user_id', userId).eq('clinic_id', clinic.id),
      )
      const ids = acts.map(({ patient_id }) => patient_id)
      if (ids.length === 0) return []
      return client.rows('patients', (rows) =>
        rows.in('id', ids).eq('clinic_id', clinic.id).order('full_name').order('id'),
      )
    },
  })
  if (error ?? failureReason) return <ErrorNotice error={error ?? failureReason} />
  if (!data?.length) return null
  return (
    <>
      <h3>Books for</h3>
      <ul className="rows" aria-label={`Whom ${patient.full_name} books for`}>
        {data.map(({ id, full_name, birth_date }) => (
          <li key={id}>
            <Avatar name={full_name} small />
            <Link href={`/desk/${clinic.slug}/patients/${id}`} className="grow found-link">
              <strong className="clip">{full_name}</strong>
              {birth_date && <p className="muted small-text num">born {shortDay(birth_date)}</p>}
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}
