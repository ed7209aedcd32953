import { Check, Phone, Reply as ReplyIcon, Send } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { type Clinic, type InboxReply, type useReplies } from '../../../chairtime'
import { nearTime } from '../../format'
import { focusPage } from '../../ui/Dialog'
import { FormError, TextAreaField } from '../../ui/fields'
import { Button, PhoneLink } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { visitPath } from '../useDayView'

interface Props {
  reply: InboxReply
  clinic: Clinic
  handle: ReturnType<typeof useReplies>['handle']
}

/** One reply: what it says, who wrote it, about which visit; answered, or done. */
export function ReplyRow({ reply, clinic, handle }: Props) {
  const say = useToast()
  const [answer, setAnswer] = useState<string | null>(null)
  const zone = clinic.time_zone
  const who = reply.patientName ?? reply.phone ?? 'Somebody'
  const isThis = handle.variables?.reply.id === reply.id
  const error = isThis ? handle.error : null
  const settle = (text?: string) =>
    handle.mutate(
      { reply, ...(text ? { answer: text } : {}) },
      {
        onSuccess: () => {
          say(text ? 'The answer is on its way.' : 'Done.')
          focusPage()
        },
      },
    )
  return (
    <li data-reply={reply.id}>
      <div className="entry-who">
        {reply.patientName ? (
          <Link href={`/desk/${clinic.slug}/patients/${reply.patient_id}`} className="found-link clip">
            <strong>{reply.patientName}</strong>
          </Link>
        ) : (
          <strong>Not a patient’s number</strong>
        )}
        {reply.phone && (
          <PhoneLink phone={reply.phone}>
            <Phone size={14} aria-hidden="true" /> {reply.phone}
          </PhoneLink>
        )}
        <time className="small-text muted num" dateTime={reply.received_at}>
          {nearTime(reply.received_at, zone)}
        </time>
      </div>
      {reply.means === 'not_me' ? (
        <p>Says that the message was not for them. Check the address and the number on the record.</p>
      ) : (
        <blockquote dir="auto">{reply.body || '(an empty message)'}</blockquote>
      )}
      {reply.answer && <p className="small-text muted">They were told: {reply.answer}</p>}
      {reply.visit && (
        <p className="small-text">
          {reply.visit.id === reply.appointment_id ? 'About the visit ' : 'Next visit '}
          <Link href={visitPath(clinic, reply.visit)} className="num">
            {nearTime(reply.visit.starts_at, zone)}
          </Link>
        </p>
      )}
      {answer !== null && (
        <TextAreaField
          label={`Answer, as a text message to ${reply.phone}`}
          name="answer"
          error={error}
          rows={3}
          maxLength={1000}
          dir="auto"
          value={answer}
          autoFocus
          onChange={(event) => setAnswer(event.target.value)}
        />
      )}
      <FormError error={error} names={answer === null ? [] : ['answer']} />
      <div className="toolbar">
        {answer !== null ? (
          <>
            <Button
              className="small primary"
              disabled={answer.trim() === ''}
              busy={isThis && handle.isPending}
              onClick={() => settle(answer)}
            >
              <Send size={15} /> Send answer
            </Button>
            <Button className="small quiet" onClick={() => setAnswer(null)}>
              Back
            </Button>
          </>
        ) : (
          <>
            {reply.phone && (
              <Button className="small" aria-label={`Answer ${who}`} onClick={() => setAnswer('')}>
                <ReplyIcon size={15} /> Answer
              </Button>
            )}
            <Button
              className="small"
              aria-label={`Done: ${who}`}
              busy={isThis && handle.isPending}
              onClick={() => settle()}
            >
              <Check size={15} /> Done
            </Button>
          </>
        )}
      </div>
    </li>
  )
}
