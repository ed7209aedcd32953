import { useMutation } from '@tanstack/react-query'
import { RotateCcw } from 'lucide-react'
import { useRef, useState } from 'react'
import { type Clinic, useChairtime } from '../../../chairtime'
import { FormError, TextAreaField, TextField } from '../../ui/fields'
import { Button } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { inserted, placeholdersOf } from './placeholders'
import { Preview } from './Preview'
import { TestSend } from './TestSend'
import type { TemplateKey, Wording } from './useTemplate'
import { usePreview } from './usePreview'

const names = ['subject', 'body'] as const

interface Props {
  clinic: Clinic
  of: TemplateKey
  saved: Wording
  isOwn: boolean
  isRtl: boolean
  onSaved(): Promise<unknown>
}

/** One text: what is written stands beside how it reads. */
export function TemplateEditor({ clinic, of, saved, isOwn, isRtl, onSaved }: Props) {
  const client = useChairtime()
  const say = useToast()
  const [text, setText] = useState(saved)
  const fields = useRef<HTMLDivElement>(null)
  const last = useRef<HTMLInputElement | HTMLTextAreaElement | null>(null)
  const said = { clinic_id: clinic.id, ...of }
  const words = of.channel === 'email' ? text : { body: text.body }
  const preview = usePreview({ ...said, ...words })
  const save = useMutation({
    mutationFn: (wording: Partial<Wording> | null) =>
      client.rpc('set_message_template', { ...said, ...wording }),
    onSuccess: async (_row, wording) => {
      await onSaved()
      say(wording ? 'The text is saved.' : 'The default text holds again.')
    },
  })
  const isEdited = text.subject !== saved.subject || text.body !== saved.body
  const error = preview.refused ?? save.error
  const put = (name: keyof Wording, value: string) => {
    save.reset()
    setText({ ...text, [name]: value })
  }
  const insert = (placeholder: string) => {
    const field = last.current ?? fields.current?.querySelector('textarea')
    if (!field) return
    const name = field.name === 'subject' ? 'subject' : 'body'
    const from = field.selectionStart ?? field.value.length
    const next = inserted(text[name], from, field.selectionEnd ?? from, `{${placeholder}}`)
    put(name, next.text)
    field.focus()
    requestAnimationFrame(() => field.setSelectionRange(next.cursor, next.cursor))
  }
  const dir = isRtl ? 'rtl' : 'ltr'
  return (
    <div className="template">
      <form
        className="stack"
        aria-label="The clinic’s words"
        onSubmit={(event) => {
          event.preventDefault()
          save.mutate(words)
        }}
      >
        <div
          ref={fields}
          className="stack"
          onFocus={({ target }) => {
            if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement)
              last.current = target
          }}
        >
          {of.channel === 'email' && (
            <TextField
              label="Subject"
              name="subject"
              error={error}
              required
              maxLength={200}
              dir={dir}
              value={text.subject}
              onChange={(event) => put('subject', event.target.value)}
            />
          )}
          <TextAreaField
            label="Text"
            name="body"
            error={error}
            required
            maxLength={5000}
            dir={dir}
            value={text.body}
            onChange={(event) => put('body', event.target.value)}
          />
        </div>
        <div className="chips" role="group" aria-label="Put in">
          {placeholdersOf(of.kind).map(({ name, means }) => (
            <button key={name} type="button" className="chip" title={means} onClick={() => insert(name)}>
              {`{${name}}`}
              <span className="sr-only">, {means}</span>
            </button>
          ))}
        </div>
        <FormError error={error} names={names} />
        <div className="toolbar">
          <Button type="submit" className="primary" busy={save.isPending} disabled={!isEdited}>
            Save text
          </Button>
          {isEdited && (
            <Button className="quiet" onClick={() => setText(saved)}>
              Discard
            </Button>
          )}
          {isOwn && (
            <Button className="quiet" busy={save.isPending} onClick={() => save.mutate(null)}>
              <RotateCcw size={16} /> Back to the default
            </Button>
          )}
        </div>
        <p className="muted small-text">
          {isOwn
            ? 'These are the clinic’s own words.'
            : 'This is the default text; what you save is the clinic’s own.'}
        </p>
      </form>
      <div className="stack">
        <Preview preview={preview} channel={of.channel} />
        <TestSend clinic={clinic} of={of} words={words} isDisabled={preview.refused !== null} />
      </div>
    </div>
  )
}
