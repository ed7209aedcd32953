import { useState } from 'react'
import { addDays, instantAt, today } from '../../format'
import { useDentists, useResources } from '../../data'
import { PageTitle } from '../../ui/parts'
import { Loading } from '../../ui/states'
import type { DeskProps } from '../Desk'
import { NoCalendar } from '../NoCalendar'
import { EnterAbsence } from './EnterAbsence'
import { PlannedAbsences } from './PlannedAbsences'
import { useWorklist } from './useWorklist'
import { Worklist } from './Worklist'

/** Who or what is away, and when. `who` is a person's or a chair's id, or the whole clinic. */
export interface Absence {
  who: string
  /** As `datetime-local` has it, by the clinic's clock. */
  from: string
  until: string
}

export const WHOLE_CLINIC = 'clinic'

/** Somebody is sick, a chair is broken, the clinic is closed: who is in the way, and what becomes of each of them. */
export function AbsencePage(desk: DeskProps) {
  const { role, dentist_id } = desk.membership
  return role === 'dentist' && !dentist_id ? <NoCalendar /> : <Absences {...desk} />
}

function Absences({ clinic, membership }: DeskProps) {
  const zone = clinic.time_zone
  const ownId = membership.role === 'dentist' ? membership.dentist_id : null
  const [absence, setAbsence] = useState<Absence>(() => ({
    who: ownId ?? '',
    from: `${today(zone)}T00:00`,
    until: `${addDays(today(zone), 1)}T00:00`,
  }))
  const dentists = useDentists(clinic.id)
  const resources = useResources(clinic.id)
  const period = { starts_at: asInstant(absence.from, zone), ends_at: asInstant(absence.until, zone) }
  const work = useWorklist(clinic, absence.who, period, ownId)
  if (!dentists.data || !resources.data) {
    return <Loading error={dentists.error ?? resources.error} heights={[60, 200, 300]} />
  }
  return (
    <div className="page stack">
      <header className="page-head">
        <div>
          <PageTitle>Absences</PageTitle>
          <p className="muted">
            Say who is away: those in the way are listed at once, and nothing is changed.
          </p>
        </div>
      </header>
      <EnterAbsence
        clinic={clinic}
        absence={absence}
        period={period}
        people={dentists.data.filter(({ id, is_active }) => is_active && (!ownId || id === ownId))}
        things={
          ownId ? [] : resources.data.filter(({ kind, is_active }) => is_active && kind !== 'practitioner')
        }
        mayCloseClinic={membership.role === 'admin'}
        work={work}
        onEdit={setAbsence}
      />
      {absence.who !== '' && <Worklist work={work} zone={zone} slug={clinic.slug} dentists={dentists.data} />}
      <PlannedAbsences
        clinic={clinic}
        names={
          new Map([
            ...dentists.data.map(nameOf),
            ...resources.data.map(({ id, name }) => [id, name] as const),
          ])
        }
        ownId={ownId}
        mayCloseClinic={membership.role === 'admin'}
      />
    </div>
  )
}

function nameOf({ id, full_name }: { id: string; full_name: string }) {
  return [id, full_name] as const
}

/** A `datetime-local` value in the clinic's time. */
function asInstant(local: string, zone: string): string {
  const [day, time] = local.split('T') as [string, string]
  return instantAt(day, time, zone)
}
