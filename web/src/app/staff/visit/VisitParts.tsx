import type { ClinicDay, DayPart } from '../../../chairtime'
import { timeRange } from '../../format'
import { ErrorNotice } from '../../ui/parts'
import { needNames } from '../roles'
import type { PaneProps } from './AppointmentDialog'

/** What a visit takes beside its leader; each can be another one. */
export function VisitParts({ appointment, day, actions, onClose }: Omit<PaneProps, 'onBack'>) {
  const { reseat } = actions
  const mayChange = appointment.status === 'booked' || appointment.status === 'checked_in'
  return (
    <div className="stack" role="group" aria-label="What it takes">
      {appointment.parts.map((part) => (
        <label key={part.part} className="part-row">
          <span>
            {needNames[part.needs]}{' '}
            <small className="muted num">{timeRange(part.starts_at, part.ends_at, day.time_zone)}</small>
          </span>
          <select
            className="input small"
            value={part.resource_id ?? ''}
            disabled={!mayChange || reseat.isPending}
            onChange={(event) =>
              reseat.mutate(
                { appointment, part: part.part, resourceId: event.target.value },
                { onSuccess: onClose },
              )
            }
          >
            {part.resource_id === null && <option value="">None</option>}
            {candidates(day, part).map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        </label>
      ))}
      <ErrorNotice error={reseat.error} />
    </div>
  )
}

/** Those of its kind that are there and will do, and the one it has. */
function candidates(
  day: ClinicDay,
  { needs, only_resources, resource_id, name }: DayPart,
): { id: string; name: string }[] {
  const found = [
    ...day.dentists
      .filter(({ profession, is_active }) => profession === needs && is_active)
      .map(({ dentist_id, full_name }) => ({ id: dentist_id, name: full_name })),
    ...day.resources
      .filter(({ kind, is_active }) => kind === needs && is_active)
      .map((resource) => ({ id: resource.resource_id, name: resource.name })),
  ].filter(({ id }) => only_resources?.includes(id) ?? true)
  const isListed = resource_id === null || found.some(({ id }) => id === resource_id)
  return isListed ? found : [...found, { id: resource_id, name: name ?? '–' }]
}
