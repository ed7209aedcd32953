import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { type FoundPatient, patientKey, useChairtime } from '../../../chairtime'
import { Dialog } from '../../ui/Dialog'
import { Button, ErrorNotice } from '../../ui/parts'
import { Finder } from './Finder'
import { FoundPerson } from './FoundPerson'
import { MergeDialog } from './MergeDialog'
import type { PartProps } from './PatientPage'

/** Records that may be of the same person; an admin makes them one. */
export function Doubles({ patient, clinic, membership }: PartProps) {
  const client = useChairtime()
  const isAdmin = membership.role === 'admin'
  const [other, setOther] = useState<FoundPatient | null>(null)
  const [isLooking, setLooking] = useState(false)
  const { id, full_name, phone, email, birth_date } = patient
  const { data, error, failureReason } = useQuery({
    queryKey: patientKey(id, 'doubles', full_name, phone, email, birth_date),
    queryFn: async () => {
      const said = Object.entries({ phone, email, birth_date }).filter(([, text]) => text)
      const similar = await client.rpc('similar_patients', {
        clinic_id: clinic.id,
        full_name,
        ...Object.fromEntries(said),
      })
      return similar.filter((each) => each.id !== id)
    },
  })
  return (
    <section className="card panel-card" aria-labelledby="doubles">
      <div className="spread">
        <h2 id="doubles">The same person?</h2>
        {isAdmin && (
          <Button className="small" onClick={() => setLooking(true)}>
            Merge with…
          </Button>
        )}
      </div>
      <ErrorNotice error={error ?? failureReason} />
      {data?.length === 0 && <p className="muted small-text">No other record looks like this one.</p>}
      <ul className="rows">
        {data?.map((each) => (
          <li key={each.id}>
            <Link href={`/desk/${clinic.slug}/patients/${each.id}`} className="grow found-link">
              <FoundPerson patient={each} zone={clinic.time_zone} />
            </Link>
            {isAdmin && (
              <Button className="small" onClick={() => setOther(each)}>
                Compare
              </Button>
            )}
          </li>
        ))}
      </ul>
      {isLooking && (
        <Dialog title="Merge with which record?" onClose={() => setLooking(false)} wide>
          <Finder
            clinic={clinic}
            dentistId={null}
            without={id}
            onPick={(picked) => {
              setLooking(false)
              setOther(picked)
            }}
          />
        </Dialog>
      )}
      {other && <MergeDialog one={patient} other={other} clinic={clinic} onClose={() => setOther(null)} />}
    </section>
  )
}
