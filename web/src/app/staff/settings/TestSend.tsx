import { useMutation, useQuery } from '@tanstack/react-query'
import { Send } from 'lucide-react'
import { type Clinic, useChairtime } from '../../../chairtime'
import { Button, ErrorNotice } from '../../ui/parts'
import { toldOf } from '../messages/words'
import type { TemplateKey, Wording } from './useTemplate'

interface Props {
  clinic: Clinic
  of: TemplateKey
  words: Partial<Wording>
  isDisabled: boolean
}

const LOOK_AGAIN = 1500

/** Sends the text, as it is written just now, to who writes it; and says what became of it. */
export function TestSend({ clinic, of, words, isDisabled }: Props) {
  const client = useChairtime()
  const send = useMutation({
    mutationFn: () => client.rpc('send_test_message', { clinic_id: clinic.id, ...of, ...words }),
  })
  const id = send.data?.message_id
  const message = useQuery({
    queryKey: ['test message', id],
    enabled: id !== undefined,
    refetchInterval: ({ state }) =>
      (!state.data || state.data.state === 'planned' || state.data.state === 'leased') && LOOK_AGAIN,
    queryFn: async () => (await client.rows('messages', (rows) => rows.eq('id', id)))[0] ?? null,
  })
  const told = message.data && toldOf(message.data, clinic.time_zone, client.clock.now())
  return (
    <div className="stack">
      <div className="toolbar">
        <Button disabled={isDisabled} busy={send.isPending} onClick={() => send.mutate()}>
          <Send size={16} /> Send me a test
        </Button>
      </div>
      <ErrorNotice error={send.error ?? message.error} />
      {send.data && (
        <p role="status" className="small-text test-sent" data-state={message.data?.state}>
          To {send.data.address}:{' '}
          {told && (
            <>
              <span className={`badge ${told.tone}`}>{told.label}</span> {told.why}
            </>
          )}
        </p>
      )}
    </div>
  )
}
