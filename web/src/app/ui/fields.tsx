import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
  useRef,
  useState,
} from 'react'
import { ChairtimeError, intervalMs } from '../../chairtime'
import { inUnits, spanUnits } from '../format'
import { ErrorNotice } from './parts'

/** Fields of forms. What the server refuses is said at the field that it names. */

interface FieldProps {
  label: string
  /** As the API calls it: its refusals name it so. */
  name: string
  error?: Error | null
  hint?: string
}

type TextProps = FieldProps & Omit<InputHTMLAttributes<HTMLInputElement>, 'name'>

export function TextField({ label, name, error, hint, ...input }: TextProps) {
  return (
    <Field label={label} name={name} error={error} hint={hint}>
      {(described) => <input className="input small" name={name} {...input} {...described} />}
    </Field>
  )
}

type AreaProps = FieldProps & Omit<TextareaHTMLAttributes<HTMLTextAreaElement>, 'name'>

export function TextAreaField({ label, name, error, hint, ...area }: AreaProps) {
  return (
    <Field label={label} name={name} error={error} hint={hint}>
      {(described) => <textarea className="input small" name={name} {...area} {...described} />}
    </Field>
  )
}

interface SpanProps extends FieldProps {
  /** An interval as the API writes it; null: none. */
  value: string | null
  /** What holds where nothing is said; without it something must be. */
  otherwise?: string
}

/** A span of time as a number and a unit; `spanOf` reads it from the form. */
export function SpanField({ label, name, error, hint, value, otherwise }: SpanProps) {
  const span = value === null ? null : inUnits(intervalMs(value))
  return (
    <Field label={label} name={name} error={error} hint={hint}>
      {(described) => (
        <span className="span-field">
          <input
            className="input small"
            type="number"
            min={0}
            step="any"
            name={name}
            defaultValue={span?.count ?? ''}
            required={otherwise === undefined}
            placeholder={otherwise}
            {...described}
          />
          <select
            className="input small"
            name={`${name}.unit`}
            defaultValue={span?.unit ?? 'minutes'}
            aria-label={`${label}, unit`}
          >
            {spanUnits.toReversed().map((each) => (
              <option key={each.name}>{each.name}</option>
            ))}
          </select>
        </span>
      )}
    </Field>
  )
}

/** `45 minutes`, or null where nothing is said. */
export function spanOf(form: FormData, name: string): string | null {
  const count = String(form.get(name) ?? '').trim()
  return count === '' ? null : `${count} ${String(form.get(`${name}.unit`))}`
}

export interface Option {
  value: string
  label: string
}

type SelectProps = FieldProps &
  Omit<SelectHTMLAttributes<HTMLSelectElement>, 'name'> & { options: readonly Option[] }

export function SelectField({ label, name, error, hint, options, ...select }: SelectProps) {
  return (
    <Field label={label} name={name} error={error} hint={hint}>
      {(described) => (
        <select className="input small" name={name} {...select} {...described}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

interface Described {
  id: string
  'aria-invalid'?: true
  'aria-describedby'?: string
}

interface ShellProps {
  label: string
  name: string
  error: Error | null | undefined
  hint: string | undefined
  children(described: Described): ReactNode
}

function Field({ label, name, error, hint, children }: ShellProps) {
  const id = useId()
  const isWrong = isAbout(error, name)
  const described = {
    id,
    ...(isWrong ? { 'aria-invalid': true as const } : {}),
    ...(isWrong || hint ? { 'aria-describedby': `${id}note` } : {}),
  }
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(described)}
      {(isWrong || hint) && (
        <small
          id={`${id}note`}
          className={isWrong ? 'field-note wrong' : 'field-note'}
          role={isWrong ? 'alert' : undefined}
        >
          {isWrong ? wordsOf(error, name, label) : hint}
        </small>
      )}
    </div>
  )
}

/** What was refused for no field of the form that could say so itself. */
export function FormError({ error, names }: { error: Error | null; names: readonly string[] }) {
  return names.some((name) => isAbout(error, name)) ? null : <ErrorNotice error={error} />
}

function isAbout(error: Error | null | undefined, name: string): boolean {
  if (!(error instanceof ChairtimeError) || error.code !== 'invalid_argument') return false
  // "email is not …", "There is a chair of this name already.", and the name of a bound.
  return new RegExp(`^(.*\\bthis )?${name}\\b|_${name}_`).test(error.message)
}

/** The refusal's words, with the field called as people see it. */
function wordsOf(error: Error | null | undefined, name: string, label: string): string {
  const message = error?.message ?? ''
  if (message.includes('constraint')) return 'This is out of bounds.'
  return message.startsWith(`${name} `) ? label + message.slice(name.length) : message
}

/** A form whose fields are read when it is sent; after a refusal they are as they were. */
export function useForm(send: (form: FormData) => void) {
  const [isEdited, setEdited] = useState(false)
  const isAhead = useRef(false)
  return {
    isEdited,
    /** What was sent has arrived; true unless somebody has written on meanwhile. */
    sent: (): boolean => {
      setEdited(isAhead.current)
      return !isAhead.current
    },
    props: {
      onChange: () => {
        isAhead.current = true
        setEdited(true)
      },
      onSubmit: (event: React.FormEvent<HTMLFormElement>) => {
        event.preventDefault()
        isAhead.current = false
        send(new FormData(event.currentTarget))
      },
    },
  }
}
