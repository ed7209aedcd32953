import { useMutation } from '@tanstack/react-query'
import { UserPlus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { type Dependant, type Me, useChairtime } from '../../chairtime'
import { useClinics, useFreshMe } from '../data'
import { dayInWords } from '../format'
import { AddDependant } from '../patient/AddDependant'
import { Dialog } from '../ui/Dialog'
import { Avatar, Button, ErrorNotice, Notice } from '../ui/parts'
import { useToast } from '../ui/Toasts'

/** Whom one acts for, and where; adding somebody, and ending it. */
export function Family({ me }: { me: Me }) {
  const clinics = useClinics().data
  const [adding, setAdding] = useState(false)
  const [ending, setEnding] = useState<Dependant | null>(null)
  const own = clinics?.filter(({ id }) => me.memberships.some(({ clinic_id }) => clinic_id === id)) ?? []
  const choices = own.length > 0 ? own : (clinics ?? [])
  return (
    <section className="card panel-card" aria-labelledby="family">
      <h2 id="family">Family</h2>
      {me.dependants.length === 0 && (
        <p className="muted">
          Book for your child, or for somebody you care for. Each clinic has its own records.
        </p>
      )}
      <ul className="family">
        {me.dependants.map((each) => (
          <li key={each.patient_id}>
            <Avatar name={each.full_name} />
            <div className="option-text">
              <strong className="clip">{each.full_name}</strong>
              <span className="muted small-text">
                {each.birth_date && `born ${bornOn(each.birth_date)} · `}
                {clinics?.find(({ id }) => id === each.clinic_id)?.name} · you are their {each.relation}
              </span>
            </div>
            <Button className="small quiet danger" onClick={() => setEnding(each)}>
              End<span className="sr-only"> acting for {each.full_name}</span>
            </Button>
          </li>
        ))}
      </ul>
      <div className="toolbar">
        <Button className="small" disabled={choices.length === 0} onClick={() => setAdding(true)}>
          <UserPlus size={15} /> Add somebody
        </Button>
        {me.dependants.length > 0 && (
          <Link href="/book/family" className="btn small">
            Book for several of you
          </Link>
        )}
      </div>
      {adding && (
        <AddDependant clinics={choices} onClose={() => setAdding(false)} onAdded={() => setAdding(false)} />
      )}
      {ending && <EndDialog dependant={ending} onClose={() => setEnding(null)} />}
    </section>
  )
}

function EndDialog({ dependant, onClose }: { dependant: Dependant; onClose(): void }) {
  const client = useChairtime()
  const freshMe = useFreshMe()
  const say = useToast()
  const end = useMutation({
    mutationFn: async () => {
      await client.rpc('remove_dependant', { patient_id: dependant.patient_id })
      await freshMe()
    },
    onSuccess: () => {
      say(`You no longer act for ${dependant.full_name}.`)
      onClose()
    },
  })
  return (
    <Dialog title={`No longer act for ${dependant.full_name}?`} onClose={onClose}>
      <Notice tone="warn">
        You no longer see, move or cancel their visits, from this moment on. The visits and the record stay
        with the clinic, which can let you in again.
      </Notice>
      <ErrorNotice error={end.error} />
      <div className="actions">
        <Button className="quiet" onClick={onClose}>
          Keep it
        </Button>
        <Button className="danger solid" busy={end.isPending} onClick={() => end.mutate()}>
          End it
        </Button>
      </div>
    </Dialog>
  )
}

function bornOn(day: string): string {
  return `${dayInWords(day).replace(/^\w+, /, '')}, ${day.slice(0, 4)}`
}
