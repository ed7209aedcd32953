import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type Clinic, type MessageChannel, type MessageKind, useChairtime } from '../../../chairtime'

/** Which text is meant. */
export interface TemplateKey {
  kind: MessageKind
  channel: MessageChannel
  locale: string
}

export interface Wording {
  subject: string
  body: string
}

/** The text that holds, the clinic's own or the default one; undefined until it is known. */
export function useTemplate(clinic: Clinic, { kind, channel, locale }: TemplateKey) {
  const client = useChairtime()
  const queries = useQueryClient()
  const defaults = useQuery({
    queryKey: ['message defaults', locale],
    queryFn: () => client.rows('message_defaults', (rows) => rows.eq('locale', locale)),
  })
  const ownKey = ['message templates', clinic.id]
  const own = useQuery({
    queryKey: ownKey,
    staleTime: 0,
    queryFn: () => client.rows('message_templates', (rows) => rows.eq('clinic_id', clinic.id)),
  })
  const isThis = (row: TemplateKey) => row.kind === kind && row.channel === channel
  const template = own.data?.find((row) => isThis(row) && row.locale === locale)
  const holds = template ?? defaults.data?.find(isThis)
  return {
    wording:
      own.data && defaults.data && holds ? { subject: holds.subject ?? '', body: holds.body } : undefined,
    isOwn: template !== undefined,
    error: own.error ?? defaults.error ?? own.failureReason ?? defaults.failureReason,
    refresh: () => queries.invalidateQueries({ queryKey: ownKey }),
  }
}
