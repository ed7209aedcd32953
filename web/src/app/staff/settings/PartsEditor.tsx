import { Plus, X } from 'lucide-react'
import type { PartNeeds, Resource } from '../../../chairtime'
import { useDentists, useResources } from '../../data'
import { Button } from '../../ui/parts'
import { needNames } from '../roles'
import type { DraftPart } from './drafts'

interface Props {
  clinicId: string
  parts: DraftPart[]
  onEdit(parts: DraftPart[]): void
}

const needs = Object.entries(needNames) as [PartNeeds, string][]

/** What a visit needs beside who leads it, and when; and when the leader is needed, if not for all of it. */
export function PartsEditor({ clinicId, parts, onEdit }: Props) {
  const candidates = useCandidates(clinicId)
  const change = (key: number, part: Partial<DraftPart>) =>
    onEdit(parts.map((each) => (each.key === key ? { ...each, ...part } : each)))
  const add = () => {
    const key = Math.max(0, ...parts.map((part) => part.key)) + 1
    onEdit([...parts, { key, needs: 'chair', only: [], startsAfter: '', lasts: '' }])
  }
  return (
    <fieldset className="stack">
      <legend className="label">What else it needs</legend>
      {parts.length === 0 && <p className="muted small-text">Nothing but who leads it.</p>}
      {parts.map((part, index) => (
        <Part
          key={part.key}
          part={part}
          number={index + 1}
          candidates={candidates(part)}
          onChange={(changes) => change(part.key, changes)}
          onRemove={() => onEdit(parts.filter(({ key }) => key !== part.key))}
        />
      ))}
      <div className="toolbar">
        <Button className="small" onClick={add}>
          <Plus size={16} /> Add a part
        </Button>
      </div>
    </fieldset>
  )
}

interface PartProps {
  part: DraftPart
  number: number
  candidates: Pick<Resource, 'id' | 'name'>[]
  onChange(changes: Partial<DraftPart>): void
  onRemove(): void
}

function Part({ part, number, candidates, onChange, onRemove }: PartProps) {
  return (
    <div className="part-edit" role="group" aria-label={`Part ${number}`}>
      <label className="field">
        <span>Needs</span>
        <select
          className="input small"
          value={part.needs}
          onChange={(event) => onChange({ needs: event.target.value as PartNeeds, only: [] })}
        >
          {needs.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <label className="field">
        <span>From minute</span>
        <input
          className="input small"
          type="number"
          min={0}
          placeholder="0"
          value={part.startsAfter}
          onChange={(event) => onChange({ startsAfter: event.target.value })}
        />
      </label>
      <label className="field">
        <span>For minutes</span>
        <input
          className="input small"
          type="number"
          min={1}
          placeholder="To the end"
          value={part.lasts}
          onChange={(event) => onChange({ lasts: event.target.value })}
        />
      </label>
      <Button className="icon small quiet" aria-label={`Remove part ${number}`} onClick={onRemove}>
        <X size={16} />
      </Button>
      {candidates.length > 0 && (
        <div className="checks" role="group" aria-label={`Only these for part ${number}`}>
          <span className="muted small-text">Only:</span>
          {candidates.map(({ id, name }) => (
            <label key={id}>
              <input
                type="checkbox"
                checked={part.only.includes(id)}
                onChange={(event) =>
                  onChange({
                    only: event.target.checked ? [...part.only, id] : part.only.filter((each) => each !== id),
                  })
                }
              />
              {name}
            </label>
          ))}
          {part.only.length === 0 && <span className="muted small-text">(any will do)</span>}
        </div>
      )}
    </div>
  )
}

/** Whom or what a part can be restricted to, and to whom it is, though they are not there any more. */
function useCandidates(clinicId: string): (part: DraftPart) => Pick<Resource, 'id' | 'name'>[] {
  const dentists = useDentists(clinicId).data ?? []
  const resources = useResources(clinicId).data ?? []
  return ({ needs, only }) =>
    [
      ...dentists
        .filter(({ profession }) => profession === needs)
        .map(({ full_name, ...dentist }) => ({ ...dentist, name: full_name })),
      ...resources.filter(({ kind }) => kind === needs),
    ]
      .filter(({ id, is_active }) => is_active || only.includes(id))
      .map(({ id, name, is_active }) => ({ id, name: is_active ? name : `${name} (not in use)` }))
}
