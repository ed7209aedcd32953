import { useMutation } from '@tanstack/react-query'
import { useChairtime, useMessageContacts } from '../../../chairtime'
import { useLanguages } from '../../data'
import { FormError, SelectField } from '../../ui/fields'
import { ErrorNotice, Skeleton } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { MessageList } from '../messages/MessageList'
import type { PartProps } from './PatientPage'

/** How the patient is written to: through what, where it goes, in which language. */
export function Writing({ patient, onChanged }: PartProps) {
  const { contacts, error, consent } = useMessageContacts(patient.id)
  return (
    <section className="card panel-card" aria-labelledby="writing">
      <h2 id="writing">Messages to the patient</h2>
      <ErrorNotice error={error ?? consent.error} />
      {!contacts && !error && <Skeleton height={70} />}
      <ul className="rows">
        {contacts?.map(({ channel, is_wanted, address }) => (
          <li key={channel}>
            <div className="grow">
              <label className="check-row">
                <input
                  type="checkbox"
                  aria-describedby={`where-${channel}`}
                  checked={is_wanted}
                  disabled={consent.isPending}
                  onChange={(event) => consent.mutate({ channel, is_wanted: event.target.checked })}
                />
                {channel === 'email' ? 'Emails are wanted' : 'Text messages are wanted'}
              </label>
              <p id={`where-${channel}`} className="muted small-text">
                {whereTo(channel, is_wanted, address)}
              </p>
            </div>
          </li>
        ))}
      </ul>
      <Language
        patient={patient}
        now={contacts?.find(({ locale }) => locale)?.locale ?? null}
        onChanged={onChanged}
      />
    </section>
  )
}

function whereTo(channel: 'email' | 'sms', isWanted: boolean, address: string | null): string {
  if (!isWanted) return 'Nothing is sent: the patient, who reads it, or the desk said so.'
  if (address) return `They go to ${address}.`
  return channel === 'email' ? 'No email address is known.' : 'No phone number is known.'
}

type LanguageProps = Pick<PartProps, 'patient' | 'onChanged'> & {
  /** In which they are written now. */
  now: string | null
}

function Language({ patient, now, onChanged }: LanguageProps) {
  const client = useChairtime()
  const say = useToast()
  const choose = useMutation({
    mutationFn: (locale: string) => client.rpc('update_patient', { patient_id: patient.id, locale }),
    onSuccess: () => {
      say('The language is saved.')
      onChanged()
    },
  })
  const shown = choose.isPending ? choose.variables : (patient.locale ?? '')
  const { languages, error } = useLanguages(shown || null)
  const written = languages.find(({ value }) => value === now)
  // What it would be without their own, is not known where they have one.
  const otherwise = written && shown === '' ? ` (${written.label})` : ''
  return (
    <>
      <SelectField
        label="Language"
        name="locale"
        error={choose.error}
        value={shown}
        disabled={choose.isPending}
        options={[{ value: '', label: `As their login or the clinic has it${otherwise}` }, ...languages]}
        onChange={(event) => choose.mutate(event.target.value)}
      />
      <FormError error={choose.error ?? error} names={['locale']} />
    </>
  )
}

/** What was sent to a patient, and is planned. */
export function Sent({ patient, clinic }: PartProps) {
  return (
    <section className="card panel-card" aria-labelledby="sent">
      <h2 id="sent">Sent and planned messages</h2>
      <MessageList
        clinicId={clinic.id}
        zone={clinic.time_zone}
        of={{ patientId: patient.id }}
        none="Nothing was sent yet."
      />
    </section>
  )
}
