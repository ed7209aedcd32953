import { useMutation, useQuery } from '@tanstack/react-query'
import { UserMinus } from 'lucide-react'
import { useState } from 'react'
import { type Guardian, patientKey, useChairtime } from '../../../chairtime'
import { dayOf, shortDay } from '../../format'
import { Dialog } from '../../ui/Dialog'
import { FormError, TextField } from '../../ui/fields'
import { Avatar, Button, ErrorNotice, Notice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { Code } from '../Code'
import { useInvitations } from '../useInvitations'
import { ActsFor } from './ActsFor'
import { OpenInvitation } from './OpenInvitation'
import type { PartProps } from './PatientPage'

/** Who acts for the patient: parents of a child, a child of parents. */
export function Family({ patient, clinic }: PartProps) {
  const client = useChairtime()
  const [isInviting, setInviting] = useState(false)
  const [ending, setEnding] = useState<Guardian | null>(null)
  const invited = useInvitations(clinic.id, patientKey(patient.id, 'invitations'), patient.id)
  const open = invited.invitations?.filter(({ relation }) => relation !== null)
  const { data, error, failureReason, refetch } = useQuery({
    queryKey: patientKey(patient.id, 'guardians'),
    queryFn: () =>
      client.rows('guardians', (rows) =>
        rows.eq('patient_id', patient.id).eq('clinic_id', clinic.id).order('created_at'),
      ),
  })
  return (
    <section className="card panel-card" aria-labelledby="family">
      <div className="spread">
        <h2 id="family">Family</h2>
        <Button className="small" onClick={() => setInviting(true)}>
          Invite a guardian
        </Button>
      </div>
      <ErrorNotice error={error ?? failureReason} />
      {data?.length === 0 && (
        <p className="muted small-text">Nobody books for {patient.full_name} with a login of their own.</p>
      )}
      <ul className="rows">
        {data?.map((guardian) => (
          <li key={guardian.user_id}>
            <Avatar name={nameOf(guardian)} small />
            <div className="grow">
              <strong className="clip">{nameOf(guardian)}</strong>
              <p className="muted small-text num">
                {guardian.relation}
                {guardian.until && `, until ${shortDay(dayOf(guardian.until, clinic.time_zone))}`}
              </p>
            </div>
            <Button
              className="icon small quiet danger"
              aria-label={`End that ${nameOf(guardian)} is a guardian`}
              onClick={() => setEnding(guardian)}
            >
              <UserMinus size={17} />
            </Button>
          </li>
        ))}
      </ul>
      {patient.user_id && <ActsFor userId={patient.user_id} patient={patient} clinic={clinic} />}
      {open?.map((invitation) => (
        <OpenInvitation
          key={invitation.id}
          invitation={invitation}
          zone={clinic.time_zone}
          revoke={invited.revoke}
        />
      ))}
      {isInviting && (
        <InviteGuardian
          patient={patient}
          clinic={clinic}
          onInvited={invited.refresh}
          onClose={() => setInviting(false)}
        />
      )}
      {ending && (
        <EndDialog
          guardian={ending}
          whose={patient.full_name}
          onEnded={() => void refetch()}
          onClose={() => setEnding(null)}
        />
      )}
    </section>
  )
}

/** A guardian need not be a patient here, nor have said a name anywhere. */
function nameOf({ guardian_name }: Guardian): string {
  return guardian_name ?? 'Somebody who has said no name'
}

interface InviteProps extends Pick<PartProps, 'patient' | 'clinic'> {
  onInvited(): void
  onClose(): void
}

function InviteGuardian({ patient, clinic, onInvited, onClose }: InviteProps) {
  const client = useChairtime()
  const invite = useMutation({
    mutationFn: (relation: string) => client.rpc('invite_patient', { patient_id: patient.id, relation }),
    onSuccess: onInvited,
  })
  return (
    <Dialog title={`A guardian for ${patient.full_name}`} onClose={onClose}>
      {invite.data ? (
        <Code invitation={invite.data} of="patient" zone={clinic.time_zone}>
          <p>
            Tell the guardian: open <strong>{location.origin}/join</strong>, sign in or create an account, and
            enter this code{patient.birth_date ? ` and ${patient.full_name}’s birth date.` : '.'}
          </p>
        </Code>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            invite.mutate(String(new FormData(event.currentTarget).get('relation')))
          }}
        >
          <Notice>
            A guardian sees, books, moves and cancels visits for {patient.full_name} with a login of their
            own.
          </Notice>
          <TextField
            label="Relation"
            name="relation"
            required
            maxLength={40}
            list="relations"
            defaultValue="parent"
            error={invite.error}
          />
          <datalist id="relations">
            {['parent', 'guardian', 'child', 'partner', 'carer'].map((relation) => (
              <option key={relation}>{relation}</option>
            ))}
          </datalist>
          <FormError error={invite.error} names={['relation']} />
          <div className="actions">
            <Button type="submit" className="primary" busy={invite.isPending}>
              Make a code
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  )
}

interface EndProps {
  guardian: Guardian
  whose: string
  onEnded(): void
  onClose(): void
}

function EndDialog({ guardian, whose, onEnded, onClose }: EndProps) {
  const client = useChairtime()
  const say = useToast()
  const end = useMutation({
    mutationFn: () =>
      client.rpc('remove_dependant', { patient_id: guardian.patient_id, user_id: guardian.user_id }),
    onSuccess: () => {
      say(`${nameOf(guardian)} no longer acts for ${whose}.`)
      onEnded()
      onClose()
    },
  })
  return (
    <Dialog title="End the guardianship?" onClose={onClose}>
      <Notice tone="warn">
        {nameOf(guardian)} at once sees and books nothing for {whose} any more. Visits that are booked stay.
        To take it back, invite them again.
      </Notice>
      <ErrorNotice error={end.error} />
      <div className="actions">
        <Button className="quiet" onClick={onClose}>
          Keep
        </Button>
        <Button className="danger solid" busy={end.isPending} onClick={() => end.mutate()}>
          End it
        </Button>
      </div>
    </Dialog>
  )
}
