import { type Me, useMessageContacts } from '../../chairtime'
import { useClinics } from '../data'
import { ErrorNotice, Notice, Skeleton } from '../ui/parts'

/** Through what one wants messages, for oneself and for whom one acts, at each clinic. */
export function Wanted({ me }: { me: Me }) {
  const clinics = useClinics().data
  const own = me.memberships.flatMap(({ clinic_id, patient_id }) =>
    patient_id ? [{ clinic_id, patient_id, name: 'You' }] : [],
  )
  const others = me.dependants.map(({ clinic_id, patient_id, full_name: name }) => ({
    clinic_id,
    patient_id,
    name,
  }))
  if (own.length + others.length === 0) return null
  return (
    <section className="card panel-card" aria-labelledby="wanted">
      <h2 id="wanted">Messages</h2>
      <p className="muted">
        Confirmations and reminders of visits. What a clinic sends at all, it decides itself.
      </p>
      <ul className="rows">
        {[...own, ...others].map(({ clinic_id, patient_id, name }) => (
          <OfOne
            key={patient_id}
            patientId={patient_id}
            name={name}
            clinic={clinics?.find(({ id }) => id === clinic_id)?.name ?? ''}
          />
        ))}
      </ul>
    </section>
  )
}

function OfOne({ patientId, name, clinic }: { patientId: string; name: string; clinic: string }) {
  const { contacts, error, consent, stopped } = useMessageContacts(patientId)
  return (
    <li className="wanted-row">
      <fieldset disabled={consent.isPending}>
        <legend>
          <strong>{name}</strong> <span className="muted small-text">{clinic}</span>
        </legend>
        {!contacts && !error && <Skeleton height={24} />}
        <div className="checks">
          {contacts?.map(({ channel, is_wanted }) => (
            <label key={channel}>
              <input
                type="checkbox"
                checked={is_wanted}
                onChange={(event) => consent.mutate({ channel, is_wanted: event.target.checked })}
              />
              {channel === 'email' ? 'By email' : 'By text message'}
            </label>
          ))}
        </div>
      </fieldset>
      {stopped && (
        <div role="status">
          <Notice tone="warn">
            {stopped === 'email'
              ? 'Who reads these emails has stopped them. To get them again, ask the clinic.'
              : 'Who reads these text messages has stopped them. To get them again, text START to the clinic, or ask there.'}
          </Notice>
        </div>
      )}
      <ErrorNotice error={error ?? consent.error} />
    </li>
  )
}
