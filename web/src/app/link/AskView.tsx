import { type ReactNode, useState } from 'react'
import type { Linked } from '../../chairtime'
import { Button, Notice } from '../ui/parts'
import { TextAreaField } from '../ui/fields'
import { refusalIn } from './refusals'
import { useTitle, type ViewProps } from './view'
import type { Words } from './words'

type Asked = 'cancel' | 'not_me' | 'stop'

interface Question {
  ask: string
  text: string
  yes: string
  no: string
}

function questionOf(about: Asked, words: Words, channel: 'email' | 'sms'): Question {
  switch (about) {
    case 'cancel':
      return { ...words.cancel, text: words.cancel.warning, no: words.cancel.keep }
    case 'not_me':
      return { ...words.notMe, no: words.back }
    case 'stop':
      return { ...words.stop, text: words.stop[channel], no: words.back }
  }
}

/** Asks once before something is done that cannot be taken back here. */
export function AskView({ about, ...props }: ViewProps<Linked> & { about: Asked }) {
  const { visit, words, isBusy, act, go } = props
  const { ask, text, yes, no } = questionOf(about, words, visit.channel)
  return (
    <Asking {...props} title={ask}>
      {about === 'cancel' && <VisitLine {...props} />}
      <p className="muted">{text}</p>
      <div className="link-answers">
        <Button
          className={about === 'cancel' ? 'danger solid' : 'primary'}
          busy={isBusy}
          onClick={() => act(about)}
        >
          {yes}
        </Button>
        <Button onClick={() => go(null)}>{no}</Button>
      </div>
    </Asking>
  )
}

/** A note for the clinic. Notes that are there already are not shown: who has the link need not be who wrote them. */
export function NoteView(props: ViewProps) {
  const { words, isBusy, act, go } = props
  const [note, setNote] = useState('')
  return (
    <Asking {...props} title={words.note.title}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (note.trim()) act('note', { note })
        }}
      >
        <TextAreaField
          className="input"
          label={words.note.label}
          name="note"
          hint={words.note.hint}
          rows={4}
          dir="auto"
          required
          maxLength={1000}
          value={note}
          onChange={(event) => setNote(event.target.value)}
        />
        <div className="link-answers">
          <Button type="submit" className="primary" busy={isBusy}>
            {words.note.send}
          </Button>
          <Button onClick={() => go(null)}>{words.back}</Button>
        </div>
      </form>
    </Asking>
  )
}

/** A step aside from the visit: its heading, what it asks, and why it was refused. */
export function Asking({
  title,
  words,
  visit,
  error,
  children,
}: ViewProps<Linked> & { title: string; children: ReactNode }) {
  useTitle(`${title} · ${visit.clinic.name}`)
  return (
    <section className="card link-card">
      <h1 data-focus tabIndex={-1}>
        {title}
      </h1>
      {children}
      {error && <Notice tone="bad">{refusalIn(words, error)}</Notice>}
    </section>
  )
}

function VisitLine({ visit: { appointment }, words }: ViewProps<Linked>) {
  return (
    appointment && (
      <p>
        <strong>{words.dayAndTime(appointment.date, appointment.time)}</strong>
        <br />
        <bdi>{appointment.visit}</bdi>
      </p>
    )
  )
}
