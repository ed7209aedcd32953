import { useMutation, useQuery } from '@tanstack/react-query'
import { useChairtime } from '../../chairtime'
import { useToast } from '../ui/Toasts'

/** What no event tells of, who joins for one: it is read anew whenever one comes to look. */
export const untold = { refetchOnMount: 'always', refetchOnWindowFocus: 'always' } as const

/** The invitations of a clinic that nobody has used yet: to its staff, or to one patient's record. */
export function useInvitations(clinicId: string, queryKey: unknown[], patientId: string | null) {
  const client = useChairtime()
  const say = useToast()
  const query = useQuery({
    queryKey,
    ...untold,
    queryFn: () =>
      client.rows('invitations', (rows) => {
        const open = rows
          .eq('clinic_id', clinicId)
          .is('accepted_at', null)
          .gt('expires_at', new Date(client.clock.now()).toISOString())
          .order('created_at')
        return patientId ? open.eq('patient_id', patientId) : open.is('patient_id', null)
      }),
  })
  const revoke = useMutation({
    mutationFn: (invitation_id: string) => client.rpc('revoke_invitation', { invitation_id }),
    onSuccess: (isRevoked) =>
      isRevoked ? say('The invitation is void.') : say('Somebody had used the code already.', 'bad'),
    onSettled: () => void query.refetch(),
  })
  return {
    invitations: query.data,
    error: revoke.error ?? query.error ?? query.failureReason,
    revoke,
    refresh: () => void query.refetch(),
  }
}
