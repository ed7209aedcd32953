import { useQuery } from '@tanstack/react-query'
import { type AffectedAppointment, ChairtimeError, useChairtime } from '../../chairtime'
import { Button, ErrorNotice } from '../ui/parts'
import { Affected } from './Affected'

interface Props {
  error: Error | null
  zone: string
  /** What goes on although they are there. */
  label: string
  busy: boolean
  onKeep(): void
}

/** Why something was refused; where it was for appointments ahead: which they are, and the way to leave them as they are. */
export function InTheWay({ error, zone, label, busy, onKeep }: Props) {
  const inTheWay = appointmentsOf(error)
  const names = usePatientNames(inTheWay.map(({ patient_id }) => patient_id))
  if (inTheWay.length === 0) return <ErrorNotice error={error} />
  return (
    <div className="stack" role="alert">
      <Affected
        appointments={inTheWay.map((row) => ({
          ...row,
          patient_name: names.get(row.patient_id) ?? 'A patient',
        }))}
        zone={zone}
        fate="ahead. Move or cancel them first if you can: otherwise they stay booked as they are."
      />
      <div className="actions">
        <Button className="danger solid small" busy={busy} onClick={onKeep}>
          {label}
        </Button>
      </div>
    </div>
  )
}

/** Whether something was refused for appointments ahead. */
export function isInTheWay(error: Error | null): boolean {
  return appointmentsOf(error).length > 0
}

function appointmentsOf(error: Error | null): Omit<AffectedAppointment, 'patient_name'>[] {
  const isThat = error instanceof ChairtimeError && error.code === 'appointments_in_the_way'
  return isThat && Array.isArray(error.details) ? error.details : []
}

/** So many ids fit into an address. */
const AT_ONCE = 100

/** A refusal is logged, so it names nobody. */
function usePatientNames(ids: string[]): ReadonlyMap<string, string> {
  const client = useChairtime()
  const wanted = [...new Set(ids)].slice(0, AT_ONCE)
  const { data } = useQuery({
    queryKey: ['patient names', wanted],
    enabled: wanted.length > 0,
    queryFn: () => client.rows('patients', (rows) => rows.in('id', wanted)),
  })
  return new Map(data?.map(({ id, full_name }) => [id, full_name]))
}
