import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { MessageContact } from '../model'
import { useChairtime } from '../provider'
import { patientKey } from './usePatient'

/** Through which channels messages to a patient are wanted, and saying so: for the patient, guardians and the desk. */
export function useMessageContacts(patientId: string) {
  const client = useChairtime()
  const queries = useQueryClient()
  const queryKey = patientKey(patientId, 'message contacts')
  const query = useQuery({
    queryKey,
    // A STOP that was texted is no event.
    staleTime: 0,
    queryFn: () => client.rpc('message_contacts', { patient_id: patientId }),
  })
  const consent = useMutation({
    mutationFn: ({ channel, is_wanted }: Pick<MessageContact, 'channel' | 'is_wanted'>) =>
      client.rpc('set_message_consent', { patient_id: patientId, channel, is_wanted }),
    // Done when it is known what holds now: that one wants messages does not end every STOP.
    onSettled: () => queries.invalidateQueries({ queryKey }),
  })
  const { isPending, isSuccess, variables: said } = consent
  const ofSaid = query.data?.find(({ channel }) => channel === said?.channel)
  return {
    contacts: query.data?.map((row) => (isPending && row === ofSaid ? { ...row, ...said } : row)),
    error: query.error ?? query.failureReason,
    consent,
    /** The channel that was just wanted again, where somebody's STOP still stands. */
    stopped: isSuccess && said?.is_wanted && ofSaid?.is_wanted === false ? ofSaid.channel : null,
  }
}
