import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'wouter'
import {
  ChairtimeError,
  type Clinic,
  type FoundPatient,
  type Patient,
  patientKey,
  useChairtime,
} from '../../../chairtime'
import { shortDay } from '../../format'
import { Dialog } from '../../ui/Dialog'
import { Button, ErrorNotice, Notice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'

type Side = Pick<Patient, 'id' | 'user_id' | 'full_name' | 'phone' | 'email' | 'birth_date' | 'staff_notes'>

interface Props {
  one: Patient
  other: FoundPatient
  clinic: Clinic
  onClose(): void
}

const rows: { label: string; of(side: Side): string | null }[] = [
  { label: 'Name', of: ({ full_name }) => full_name },
  { label: 'Birth date', of: ({ birth_date }) => birth_date && shortDay(birth_date) },
  { label: 'Phone', of: ({ phone }) => phone },
  { label: 'Email', of: ({ email }) => email },
  { label: 'Staff notes', of: ({ staff_notes }) => staff_notes },
  { label: 'Login', of: ({ user_id }) => (user_id ? 'Yes' : null) },
]

/** Two records side by side, which of them to keep, and what comes of it. */
export function MergeDialog({ one, other, clinic, onClose }: Props) {
  const client = useChairtime()
  const say = useToast()
  const [, navigate] = useLocation()
  const [keepId, setKeepId] = useState(one.id)
  const [isSure, setSure] = useState(false)
  const sides: [Side, Side] = [one, other]
  const [keep, gone] = keepId === one.id ? [one, other] : [other, one]
  const counts = useCounts(clinic.id, [one.id, other.id])
  const merge = useMutation({
    mutationFn: () => client.rpc('merge_patients', { keep_id: keep.id, merge_id: gone.id }),
    onSuccess: () => {
      say(`The two records are one: ${keep.full_name}.`)
      onClose()
      navigate(`/desk/${clinic.slug}/patients/${keep.id}`)
    },
  })
  return (
    <Dialog title="One person, two records" onClose={onClose} wide>
      <table className="merge">
        <thead>
          <tr>
            <th scope="col">
              <span className="sr-only">What</span>
            </th>
            {sides.map((side, index) => (
              <th key={side.id} scope="col">
                <label className="check-row">
                  <input
                    type="radio"
                    name="keep"
                    checked={keepId === side.id}
                    onChange={() => {
                      setKeepId(side.id)
                      setSure(false)
                      merge.reset()
                    }}
                  />
                  Keep the {index === 0 ? 'first' : 'second'}
                </label>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ label, of }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              {sides.map((side) => (
                <td key={side.id} data-differs={of(sides[0]) !== of(sides[1])}>
                  {of(side) ?? <span className="muted">–</span>}
                </td>
              ))}
            </tr>
          ))}
          <tr>
            <th scope="row">Visits</th>
            {sides.map((side) => (
              <td key={side.id} className="num">
                {counts?.[side.id] ?? '…'}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
      <Notice>
        {keep.full_name}’s record stays and says what it says; what it does not say, it takes from the other,
        and the staff notes of both. All visits, guardians and the login move to it.
      </Notice>
      <Refusal error={merge.error} />
      <label className="check-row">
        <input type="checkbox" checked={isSure} onChange={(event) => setSure(event.target.checked)} />
        These are the same person. I know that this cannot be undone here.
      </label>
      <div className="actions">
        <Button className="quiet" onClick={onClose}>
          Leave them apart
        </Button>
        <Button
          className="danger solid"
          disabled={!isSure}
          busy={merge.isPending}
          onClick={() => merge.mutate()}
        >
          Merge
        </Button>
      </div>
    </Dialog>
  )
}

/** What speaks against it, as the server says it: it knows of which visits, and of which logins. */
function Refusal({ error }: { error: Error | null }) {
  const isOurs =
    error instanceof ChairtimeError && (error.code === 'patient_busy' || error.code === 'invalid_argument')
  if (!isOurs) return <ErrorNotice error={error} />
  return (
    <Notice tone="bad">
      <p>
        <strong>The records are still two.</strong>
      </p>
      <p>
        {error.message} {error.hint}
      </p>
    </Notice>
  )
}

/** How many visits each record has. */
function useCounts(clinicId: string, ids: string[]): { [id: string]: number } | undefined {
  const client = useChairtime()
  return useQuery({
    queryKey: patientKey(ids[0] as string, 'counts', ids[1]),
    queryFn: async () => {
      const rows = await client.rows('appointments', (query) =>
        query.eq('clinic_id', clinicId).in('patient_id', ids).limit(1000),
      )
      return Object.fromEntries(ids.map((id) => [id, rows.filter((row) => row.patient_id === id).length]))
    },
  }).data
}
