import { Mail, Send, Smartphone } from 'lucide-react'
import type { ReactNode } from 'react'
import { type Message, type useMessages, useChairtime } from '../../../chairtime'
import { Button, ErrorNotice, Notice } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { channelNames, explainedResend, kindNames, maySendAgain, toldOf } from './words'

interface Props {
  message: Message
  zone: string
  resend: ReturnType<typeof useMessages>['resend']
  /** To whom and about what, where the page does not say so. */
  children?: ReactNode
}

const icons = { email: Mail, sms: Smartphone }

/** One message: what it is, what became of it and why, and sending it once more. */
export function MessageRow({ message, zone, resend, children }: Props) {
  const { clock } = useChairtime()
  const say = useToast()
  const Icon = icons[message.channel]
  const { label, tone, why } = toldOf(message, zone, clock.now())
  const name = kindNames[message.kind]
  const isThis = resend.variables?.id === message.id
  return (
    <li data-message={message.id} data-state={message.state}>
      <Icon size={17} aria-hidden="true" />
      <div className="grow">
        {children}
        <p>
          <strong>{name}</strong>
          <span className="muted small-text">
            , {channelNames[message.channel].toLowerCase()}
            {message.address && ` to ${message.address}`}
          </span>
        </p>
        {why && <p className="small-text muted num">{why}</p>}
        {isThis && resend.error && <Refused error={resend.error} message={message} />}
      </div>
      <span className={`badge ${tone}`}>{label}</span>
      {maySendAgain(message, clock.now()) && (
        <Button
          className="small quiet"
          busy={isThis && resend.isPending}
          aria-label={`Send again: ${name}, ${channelNames[message.channel].toLowerCase()}`}
          onClick={() => resend.mutate(message, { onSuccess: () => say('It goes out once more.') })}
        >
          <Send size={15} /> Send again
        </Button>
      )}
    </li>
  )
}

function Refused({ error, message }: { error: Error; message: Message }) {
  const why = explainedResend(error, message.channel)
  return why ? <Notice tone="bad">It is not sent. {why}</Notice> : <ErrorNotice error={error} />
}
