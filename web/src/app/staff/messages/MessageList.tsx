import type { ReactNode } from 'react'
import { type Message, type MessagesOf, useMessages } from '../../../chairtime'
import { Button, ErrorNotice, Skeleton } from '../../ui/parts'
import { MessageRow } from './MessageRow'

interface Props {
  clinicId: string
  zone: string
  of: MessagesOf
  /** What is said where there are none. */
  none: string
}

/** The messages about a visit or to a patient, the latest first. */
export function MessageList({ clinicId, zone, of, none }: Props) {
  const list = useMessages(clinicId, of)
  const { messages, error, refresh } = list
  return (
    <>
      <ErrorNotice error={error} retry={refresh} />
      {!messages && !error && <Skeleton height={70} />}
      {messages?.length === 0 && <p className="muted small-text">{none}</p>}
      <MessageRows list={list} zone={zone} label="Messages" />
    </>
  )
}

interface RowsProps {
  list: ReturnType<typeof useMessages>
  zone: string
  label: string
  /** To whom and about what, where the page does not say so. */
  children?(message: Message): ReactNode
}

/** Those of a list that are known, and the way to others. */
export function MessageRows({ list, zone, label, children }: RowsProps) {
  const { messages, resend, hasMore, isLoadingMore, more } = list
  return (
    <>
      <ul className="rows messages" aria-label={label}>
        {messages?.map((message) => (
          <MessageRow key={message.id} message={message} zone={zone} resend={resend}>
            {children?.(message)}
          </MessageRow>
        ))}
      </ul>
      {hasMore && (
        <div className="toolbar">
          <Button className="small" busy={isLoadingMore} onClick={more}>
            Show earlier ones
          </Button>
        </div>
      )}
    </>
  )
}
