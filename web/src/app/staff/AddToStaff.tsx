import { useMutation, useQuery } from '@tanstack/react-query'
import { useChairtime } from '../../chairtime'
import { Dialog } from '../ui/Dialog'
import { Button, ErrorNotice, Notice } from '../ui/parts'
import { staffRoles } from './roles'

interface Props {
  clinicId: string
  onClose(): void
  onAdded(): void
}

const UUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'

/** People sign up themselves; the administrator gives them their role, from the patients with a login or by id. */
export function AddToStaff({ clinicId, onClose, onAdded }: Props) {
  const client = useChairtime()
  const { data: people } = useQuery({
    queryKey: ['people with a login', clinicId],
    queryFn: () =>
      client.rows('patients', (rows) =>
        rows.eq('clinic_id', clinicId).not('user_id', 'is', null).order('full_name').limit(100),
      ),
  })
  const grant = useMutation({
    mutationFn: (form: FormData) =>
      client.rpc('grant_staff_role', {
        clinic_id: clinicId,
        user_id: String(form.get('id') || form.get('person')),
        role: String(form.get('role')),
      }),
    onSuccess: () => {
      onAdded()
      onClose()
    },
  })
  return (
    <Dialog title="Add to staff" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          grant.mutate(new FormData(event.currentTarget))
        }}
      >
        <Notice>New colleagues sign up first, as everybody does. Here you give them their role.</Notice>
        {people && people.length > 0 && (
          <label className="field">
            <span>Person</span>
            <select className="input" name="person">
              {people.map((person) => (
                <option key={person.id} value={person.user_id ?? ''}>
                  {person.full_name}
                </option>
              ))}
            </select>
          </label>
        )}
        <label className="field">
          <span>{people?.length ? 'Or their account id' : 'Account id'}</span>
          <input
            className="input"
            name="id"
            pattern={UUID}
            required={!people?.length}
            placeholder="00000000-0000-…"
          />
        </label>
        <label className="field">
          <span>Role</span>
          <select className="input" name="role" defaultValue="receptionist">
            {staffRoles.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <ErrorNotice error={grant.error} />
        <div className="actions">
          <Button type="submit" className="primary" busy={grant.isPending}>
            Add
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
