import { useMutation } from '@tanstack/react-query'
import { BadgeCheck } from 'lucide-react'
import { patientKey, useChairtime } from '../../../chairtime'
import { Dialog } from '../../ui/Dialog'
import { Button, ErrorNotice } from '../../ui/parts'
import { Code } from '../Code'
import { useInvitations } from '../useInvitations'
import { OpenInvitation } from './OpenInvitation'
import type { PartProps } from './PatientPage'

/** Whether the patient can look for themselves, and the code with which they will. */
export function Login({ patient, clinic }: PartProps) {
  const client = useChairtime()
  const { invitations, error, revoke, refresh } = useInvitations(
    clinic.id,
    patientKey(patient.id, 'invitations'),
    patient.id,
  )
  const own = invitations?.find(({ relation }) => relation === null)
  const invite = useMutation({
    mutationFn: () => client.rpc('invite_patient', { patient_id: patient.id }),
    onSuccess: refresh,
  })
  return (
    <section className="card panel-card" aria-labelledby="login">
      <h2 id="login">Login</h2>
      <ErrorNotice error={error ?? invite.error} />
      {patient.user_id ? (
        <p className="toolbar">
          <BadgeCheck size={18} aria-hidden="true" /> Has a login, and sees these visits online.
        </p>
      ) : (
        <>
          <p className="muted small-text">
            No login yet. With a code the patient links this record to theirs, and sees and moves visits
            online.
          </p>
          {own && <OpenInvitation invitation={own} zone={clinic.time_zone} revoke={revoke} />}
          <div className="toolbar">
            <Button busy={invite.isPending} onClick={() => invite.mutate()}>
              {own ? 'Make a new code' : 'Invite'}
            </Button>
          </div>
        </>
      )}
      {invite.data && (
        <Dialog title={`Invitation for ${patient.full_name}`} onClose={() => invite.reset()}>
          <Code invitation={invite.data} of="patient" zone={clinic.time_zone}>
            <p>
              Tell the patient: open <strong>{location.origin}/join</strong>, sign in or create an account,
              and enter this code{patient.birth_date ? ' and your birth date.' : '.'}
            </p>
          </Code>
        </Dialog>
      )}
    </section>
  )
}
