import type { Clinic } from '../../chairtime'
import { useDentists } from '../data'
import { fullTime } from '../format'
import { Button, ErrorNotice } from '../ui/parts'
import { roleNames } from './roles'
import type { useInvitations } from './useInvitations'

interface Props {
  invited: ReturnType<typeof useInvitations>
  clinic: Clinic
}

/** Who is invited to the staff and has not come yet. */
export function Invited({ invited: { invitations, error, revoke }, clinic }: Props) {
  const dentists = useDentists(clinic.id).data
  return (
    <section className="card panel-card" aria-labelledby="invited">
      <h2 id="invited">Open invitations</h2>
      <ErrorNotice error={error} />
      {invitations?.length === 0 && <p className="muted small-text">Everybody who was invited has come.</p>}
      <ul className="rows">
        {invitations?.map(({ id, email, role, dentist_id, expires_at }) => (
          <li key={id}>
            <div className="grow">
              <strong className="clip">{email}</strong>
              <p className="muted small-text">
                {role && roleNames[role]}
                {dentist_id && `, as ${dentists?.find((each) => each.id === dentist_id)?.full_name ?? '…'}`}
                <span className="num">, until {fullTime(expires_at, clinic.time_zone)}</span>
              </p>
            </div>
            <Button
              className="small quiet danger"
              aria-label={`Revoke the invitation of ${email}`}
              busy={revoke.isPending && revoke.variables === id}
              onClick={() => revoke.mutate(id)}
            >
              Revoke
            </Button>
          </li>
        ))}
      </ul>
    </section>
  )
}
