import { ChevronLeft, ChevronRight, Users } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { type AppointmentType, type Clinic, intervalMs, type Slot, useSession } from '../../chairtime'
import {
  leadersOf,
  useAppointmentTypes,
  useClinics,
  useDentists,
  useDentistTypes,
  useMe,
  useOfferedTypes,
} from '../data'
import { addDays, dayRange, instantAt, today } from '../format'
import { Button, Empty, PageTitle } from '../ui/parts'
import { Loading, Unknown } from '../ui/states'
import { AddDependant } from './AddDependant'
import { FamilyBooking } from './FamilyBooking'
import { type Person, Participants } from './Participants'
import { Proposals } from './Proposals'
import { ZoneName } from './Times'
import type { Arrangement } from './together'
import { useWanted } from './useWanted'

/** Several people of a family in one go: who, for what, one after another or all at once. */
export function FamilyPage() {
  const wish = useWanted()
  const clinics = useClinics()
  const isGuest = useSession()?.user.is_anonymous
  const { data: me, error } = useMe()
  if (!clinics.data || !me) return <Loading error={clinics.error ?? error} heights={[60, 420]} />
  if (isGuest) {
    return (
      <Empty icon={<Users />} title="A guest books for one person" isPage>
        <p>With an account you book for your family, too. What you have booked stays yours.</p>
        <Link href="/sign-up?next=/book/family" className="btn primary">
          Create an account
        </Link>
      </Empty>
    )
  }
  const home = me.dependants[0]?.clinic_id
  const clinic = clinics.data.find(({ slug, id }) =>
    wish.clinic ? slug === wish.clinic : !home || id === home,
  )
  if (!clinic) {
    return (
      <Unknown title="We do not know this clinic">
        <Link href="/book" className="btn primary">
          Choose a clinic
        </Link>
      </Unknown>
    )
  }
  return (
    <FamilyAt
      key={clinic.id}
      clinics={clinics.data}
      clinic={clinic}
      onClinic={(slug) => wish.choose({ clinic: slug })}
    />
  )
}

interface Props {
  clinics: Clinic[]
  clinic: Clinic
  onClinic(slug: string): void
}

const DAY = 86_400_000

function FamilyAt({ clinics, clinic, onClinic }: Props) {
  const { data: me } = useMe()
  const all = useAppointmentTypes(clinic.id)
  const dentists = useDentists(clinic.id)
  const offers = useDentistTypes(clinic.id)
  const offered = useOfferedTypes(all.data)
  const [chosen, setChosen] = useState<Record<string, string>>({})
  const [arrangement, setArrangement] = useState<Arrangement>('in a row')
  const [from, setFrom] = useState(today(clinic.time_zone))
  const [picked, setPicked] = useState<Slot[] | null>(null)
  const [isAdding, setAdding] = useState(false)
  const active = dentists.data?.filter(({ is_active }) => is_active)
  const types = offered.types?.filter(({ id }) => leadersOf(active, offers.data, id).length > 0)
  const family = me?.dependants.filter(({ clinic_id }) => clinic_id === clinic.id) ?? []
  const people: Person[] = [
    ...family.map(({ patient_id, full_name }) => ({ id: patient_id, name: full_name })),
    { id: null, name: 'Myself' },
  ]
  const typeOf = (person: Person) => types?.find(({ id }) => id === chosen[person.id ?? 'me'])
  const coming = people.flatMap((person) => {
    const type = typeOf(person)
    return type ? [{ person, type }] : []
  })
  const change = (person: Person, typeId: string) => {
    setPicked(null)
    setChosen((before) => ({ ...before, [person.id ?? 'me']: typeId }))
  }
  const lastDay = addDays(today(clinic.time_zone), Math.floor(intervalMs(horizonOf(clinic, coming)) / DAY))
  return (
    <div className="book">
      <div className="book-head">
        <PageTitle>Several of you</PageTitle>
        <p className="muted">All visits are booked, or none.</p>
      </div>
      <div className="book-grid">
        <aside className="choices" aria-label="Who comes">
          <label className="field">
            <span>Clinic</span>
            <select className="input" value={clinic.slug} onChange={(event) => onClinic(event.target.value)}>
              {clinics.map(({ slug, name }) => (
                <option key={slug} value={slug}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          {types ? (
            <Participants
              people={people}
              types={types}
              typeOf={typeOf}
              onChange={change}
              onAdd={() => setAdding(true)}
            />
          ) : (
            <Loading error={all.error ?? offered.error ?? offers.error} heights={[160]} />
          )}
          <div className="segmented" role="group" aria-label="How">
            {(['in a row', 'at once'] as const).map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={arrangement === each}
                onClick={() => {
                  setPicked(null)
                  setArrangement(each)
                }}
              >
                {each === 'in a row' ? 'One after another' : 'At the same time'}
              </button>
            ))}
          </div>
        </aside>
        <section className="card week" aria-label="Times for all of you">
          <header className="week-head">
            <div className="toolbar">
              <Button
                className="icon small"
                aria-label="Earlier week"
                disabled={from <= today(clinic.time_zone)}
                onClick={() => setFrom(later(addDays(from, -7), today(clinic.time_zone)))}
              >
                <ChevronLeft size={18} />
              </Button>
              <Button
                className="icon small"
                aria-label="Later week"
                disabled={addDays(from, 7) > lastDay}
                onClick={() => setFrom(addDays(from, 7))}
              >
                <ChevronRight size={18} />
              </Button>
              <h2 aria-live="polite">{dayRange(from, addDays(from, 6))}</h2>
            </div>
            <ZoneName zone={clinic.time_zone} at={instantAt(from, '12:00', clinic.time_zone)} />
          </header>
          <Proposals
            clinic={clinic}
            coming={coming}
            arrangement={arrangement}
            from={from}
            picked={picked}
            onPick={setPicked}
          />
        </section>
      </div>
      {picked && (
        <FamilyBooking clinic={clinic} coming={coming} visits={picked} onClose={() => setPicked(null)} />
      )}
      {isAdding && (
        <AddDependant clinics={[clinic]} onClose={() => setAdding(false)} onAdded={() => setAdding(false)} />
      )}
    </div>
  )
}

function later(a: string, b: string): string {
  return a > b ? a : b
}

/** As far ahead as all of the visits may be booked. */
function horizonOf(clinic: Clinic, coming: { type: AppointmentType }[]): string {
  const spans = coming.map(({ type }) => type.booking_horizon ?? clinic.booking_horizon)
  return spans.toSorted((a, b) => intervalMs(a) - intervalMs(b))[0] ?? clinic.booking_horizon
}
