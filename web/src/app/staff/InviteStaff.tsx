import { useMutation } from '@tanstack/react-query'
import { type Clinic, useChairtime } from '../../chairtime'
import { useDentists } from '../data'
import { Dialog } from '../ui/Dialog'
import { FormError, SelectField, TextField } from '../ui/fields'
import { Button } from '../ui/parts'
import { Code } from './Code'
import { staffRoles } from './roles'

interface Props {
  clinic: Clinic
  onClose(): void
  onInvited(): void
}

const names = ['email', 'role', 'dentist_id'] as const

/** A code for the owner of an address: with it they join the staff themselves. */
export function InviteStaff({ clinic, onClose, onInvited }: Props) {
  const client = useChairtime()
  const dentists = useDentists(clinic.id).data?.filter(({ is_active }) => is_active) ?? []
  const invite = useMutation({
    mutationFn: (form: FormData) =>
      client.rpc('invite_staff', {
        clinic_id: clinic.id,
        email: String(form.get('email')),
        role: String(form.get('role')),
        ...(form.get('dentist_id') ? { dentist_id: String(form.get('dentist_id')) } : {}),
      }),
    onSuccess: onInvited,
  })
  const email = String(invite.variables?.get('email') ?? '')
  return (
    <Dialog title={invite.data ? `Invitation for ${email}` : 'Invite to the staff'} onClose={onClose}>
      {invite.data ? (
        <Code invitation={invite.data} of="staff" zone={clinic.time_zone}>
          <p>
            Give {email} the link, or let them open <strong>{location.origin}/join</strong> and enter the
            code. They sign in, or create an account, with this very address: with another one the code does
            not work.
          </p>
        </Code>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            invite.mutate(new FormData(event.currentTarget))
          }}
        >
          <TextField
            label="Email"
            name="email"
            type="email"
            required
            maxLength={320}
            autoFocus
            error={invite.error}
          />
          <div className="cols">
            <SelectField
              label="Role"
              name="role"
              defaultValue="receptionist"
              options={staffRoles}
              error={invite.error}
            />
            <SelectField
              label="Whose calendar is theirs?"
              name="dentist_id"
              defaultValue=""
              options={[
                { value: '', label: 'Nobody’s' },
                ...dentists.map(({ id, full_name }) => ({ value: id, label: full_name })),
              ]}
              error={invite.error}
            />
          </div>
          <FormError error={invite.error} names={names} />
          <div className="actions">
            <Button type="submit" className="primary" busy={invite.isPending}>
              Invite
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  )
}
