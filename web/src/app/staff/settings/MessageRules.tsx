import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Plus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import {
  type Clinic,
  messageChannels,
  messageKinds,
  type MessageRule,
  useChairtime,
} from '../../../chairtime'
import { type SpanUnit, spanUnits } from '../../format'
import { Button, ErrorNotice, Skeleton } from '../../ui/parts'
import { useToast } from '../../ui/Toasts'
import { channelNames, kindHints, kindNames } from '../messages/words'
import { asDraft, asJson, cell, type DraftReminder, type DraftRules } from './rules'

/** What the clinic sends by itself: of what, through what, and how long before a visit. */
export function MessageRules({ clinic }: { clinic: Clinic }) {
  const client = useChairtime()
  const rules = useQuery({
    queryKey: ['message rules', clinic.id],
    staleTime: 0,
    queryFn: () => client.rows('message_rules', (rows) => rows.eq('clinic_id', clinic.id)),
  })
  if (!rules.data) {
    const error = rules.error ?? rules.failureReason
    return error ? <ErrorNotice error={error} /> : <Skeleton height={300} />
  }
  return <RulesForm key={rules.data.map(({ id }) => id).join()} clinic={clinic} rules={rules.data} />
}

function RulesForm({ clinic, rules }: { clinic: Clinic; rules: MessageRule[] }) {
  const client = useChairtime()
  const queries = useQueryClient()
  const say = useToast()
  const [draft, setDraft] = useState(() => asDraft(rules))
  const [isEdited, setEdited] = useState(false)
  const save = useMutation({
    mutationFn: () => client.rpc('set_message_rules', { clinic_id: clinic.id, rules: asJson(draft) }),
    onSuccess: (saved) => {
      setEdited(false)
      queries.setQueryData(['message rules', clinic.id], saved)
      say('Saved. New reminders also go out for what is booked already.')
    },
  })
  const edit = (next: Partial<DraftRules>) => {
    setDraft({ ...draft, ...next })
    setEdited(true)
  }
  const toggle = (name: string) => {
    const on = new Set(draft.on)
    if (!on.delete(name)) on.add(name)
    edit({ on })
  }
  return (
    <form
      className="card panel-card"
      aria-label="What is sent"
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <h2>What is sent</h2>
      <table className="rules-table">
        <thead>
          <tr>
            <th scope="col">When</th>
            {messageChannels.map((channel) => (
              <th key={channel} scope="col">
                {channelNames[channel]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {messageKinds
            .filter((kind) => kind !== 'reminder')
            .map((kind) => (
              <tr key={kind}>
                <th scope="row">
                  {kindNames[kind]}
                  <small>{kindHints[kind]}</small>
                </th>
                {messageChannels.map((channel) => (
                  <td key={channel}>
                    <input
                      type="checkbox"
                      aria-label={`${kindNames[kind]}: ${channelNames[channel].toLowerCase()}`}
                      checked={draft.on.has(cell(kind, channel))}
                      onChange={() => toggle(cell(kind, channel))}
                    />
                  </td>
                ))}
              </tr>
            ))}
        </tbody>
      </table>
      <Reminders reminders={draft.reminders} onEdit={(reminders) => edit({ reminders })} />
      <ErrorNotice error={save.error} />
      <div className="toolbar">
        <Button type="submit" className="primary" busy={save.isPending} disabled={!isEdited}>
          Save what is sent
        </Button>
      </div>
    </form>
  )
}

interface RemindersProps {
  reminders: DraftReminder[]
  onEdit(reminders: DraftReminder[]): void
}

function Reminders({ reminders, onEdit }: RemindersProps) {
  const change = (key: number, next: Partial<DraftReminder>) =>
    onEdit(reminders.map((each) => (each.key === key ? { ...each, ...next } : each)))
  const add = () => {
    const key = Math.max(-1, ...reminders.map((each) => each.key)) + 1
    onEdit([...reminders, { key, count: '1', unit: 'days', channel: 'email' }])
  }
  return (
    <fieldset className="stack">
      <legend className="label">Reminders</legend>
      {reminders.length === 0 && <p className="muted small-text">Nobody is reminded.</p>}
      {reminders.map(({ key, count, unit, channel }, index) => (
        <div key={key} className="toolbar reminder-row" role="group" aria-label={`Reminder ${index + 1}`}>
          <input
            className="input small"
            type="number"
            min={1}
            required
            aria-label="How long before"
            value={count}
            onChange={(event) => change(key, { count: event.target.value })}
          />
          <select
            className="input small"
            aria-label="Unit"
            value={unit}
            onChange={(event) => change(key, { unit: event.target.value as SpanUnit })}
          >
            {spanUnits.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <span>before, by</span>
          <select
            className="input small"
            aria-label="Through"
            value={channel}
            onChange={(event) => change(key, { channel: event.target.value as DraftReminder['channel'] })}
          >
            {messageChannels.map((each) => (
              <option key={each} value={each}>
                {channelNames[each].toLowerCase()}
              </option>
            ))}
          </select>
          <Button
            className="icon small quiet danger"
            aria-label={`Remove reminder ${index + 1}`}
            onClick={() => onEdit(reminders.filter((each) => each.key !== key))}
          >
            <Trash2 size={16} />
          </Button>
        </div>
      ))}
      <div className="toolbar">
        <Button className="small" onClick={add}>
          <Plus size={15} /> Add a reminder
        </Button>
      </div>
      <p className="muted small-text">
        Where several are due at once, only the one closest to the visit goes out.
      </p>
    </fieldset>
  )
}
