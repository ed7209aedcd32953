import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import { ChairtimeError, type Clinic, idempotent, type Slot, useChairtime } from '../../chairtime'
import { useDentists, useFreshMe } from '../data'
import { longDay, timeRange } from '../format'
import { explain } from '../messages'
import { Avatar, Button, Notice } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import type { Coming } from './Participants'

interface Props {
  clinic: Clinic
  coming: Coming[]
  visits: Slot[]
  onClose(): void
}

/** Who comes when, to whom; all of it is booked, or nothing is and it says whose visit could not be. */
export function FamilyBooking({ clinic, coming, visits, onClose }: Props) {
  const client = useChairtime()
  const queries = useQueryClient()
  const dentists = useDentists(clinic.id).data
  const freshMe = useFreshMe()
  const say = useToast()
  const [, navigate] = useLocation()
  const book = useMutation({
    mutationFn: () =>
      idempotent((idempotency_key) =>
        client.rpc('book_family', {
          idempotency_key,
          visits: coming.map(({ person, type }, place) => ({
            appointment_type_id: type.id,
            starts_at: (visits[place] as Slot).starts_at,
            dentist_id: (visits[place] as Slot).dentist_id,
            ...(person.id ? { patient_id: person.id } : {}),
          })),
        }),
      ),
    onSuccess: ({ length }) => {
      say(`Booked: ${length} visits on ${longDay((visits[0] as Slot).starts_at, clinic.time_zone)}.`)
      void freshMe()
      void queries.invalidateQueries({ queryKey: ['chairtime', 'appointments'] })
      navigate('/appointments')
    },
    onError: () => void queries.invalidateQueries({ queryKey: ['family slots'] }),
  })
  return (
    <section className="panel" aria-label="Your visits">
      <h2>{longDay((visits[0] as Slot).starts_at, clinic.time_zone)}</h2>
      <ul className="stack">
        {coming.map(({ person, type }, place) => {
          const visit = visits[place] as Slot
          return (
            <li key={person.id ?? 'me'} className="panel-who">
              <Avatar name={person.name} small />
              <span>
                <strong className="clip">
                  {person.name}: {type.name}
                </strong>
                <span className="muted num">
                  {timeRange(visit.starts_at, visit.ends_at, clinic.time_zone)}
                  {`, ${dentists?.find(({ id }) => id === visit.dentist_id)?.full_name ?? ''}`}
                </span>
              </span>
            </li>
          )
        })}
      </ul>
      {book.error && <Refused error={book.error} coming={coming} />}
      <div className="panel-actions">
        <Button className="quiet" onClick={onClose}>
          Keep looking
        </Button>
        <Button className="primary" busy={book.isPending} onClick={() => book.mutate()}>
          Book all
        </Button>
      </div>
    </section>
  )
}

/** The refusal names a visit by its place. */
function Refused({ error, coming }: { error: Error; coming: Coming[] }) {
  const place = error instanceof ChairtimeError ? /^visits\[(\d+)\]/.exec(error.message)?.[1] : undefined
  const who = place === undefined ? undefined : coming[Number(place)]?.person
  const { title, advice } = explain(error)
  // Without an answer nobody knows.
  const isRefused = error instanceof ChairtimeError && error.code !== 'network'
  return (
    <Notice tone="bad">
      <p>
        <strong>
          {who && `${who.id ? who.name : 'Your own visit'}: `}
          {title}
        </strong>
      </p>
      <p>
        {advice.replace(/^visits\[\d+\]: /, '')}
        {isRefused && ' Nothing was booked.'}
      </p>
    </Notice>
  )
}
