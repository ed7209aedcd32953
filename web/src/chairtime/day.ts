import type { ChairtimeEvent } from './events'
import type { AppointmentStatus, ClinicDay, DayAppointment, DayDentist } from './model'
import { epoch } from './time'

export interface Move {
  appointmentId: string
  dentistId: string
  /** ISO timestamp of the new start. */
  startsAt: string
  /** Left out, the duration stays. */
  endsAt?: string
}

/** Finds an appointment on the board. */
export function findAppointment(day: ClinicDay, id: string): DayAppointment | undefined {
  return day.dentists.flatMap((dentist) => dentist.appointments).find((appointment) => appointment.id === id)
}

/** The board as it will look once the move is accepted: buffers and parts travel with the appointment. */
export function moveOnBoard(day: ClinicDay, { appointmentId, dentistId, startsAt, endsAt }: Move): ClinicDay {
  const current = findAppointment(day, appointmentId)
  if (!current) return day
  const shift = epoch(startsAt) - epoch(current.starts_at)
  const end = endsAt ? epoch(endsAt) : epoch(current.ends_at) + shift
  const stretch = end - epoch(current.ends_at)
  // What lasts until the visit's end, or the buffer after it, ends with it.
  const endOf = (timestamp: string) =>
    shifted(timestamp, epoch(timestamp) >= epoch(current.ends_at) ? stretch : shift)
  return placed(day, {
    ...current,
    dentist_id: dentistId,
    starts_at: shifted(current.starts_at, shift),
    ends_at: new Date(end).toISOString(),
    blocked_from: shifted(current.blocked_from, shift),
    blocked_until: shifted(current.blocked_until, stretch),
    parts: current.parts.map((part) => ({
      ...part,
      starts_at: shifted(part.starts_at, shift),
      ends_at: endOf(part.ends_at),
    })),
  })
}

/** The board with another chair, device or person for a part of a visit. */
export function partOnBoard(
  day: ClinicDay,
  appointmentId: string,
  part: number,
  resourceId: string,
): ClinicDay {
  const current = findAppointment(day, appointmentId)
  if (!current) return day
  const name = day.resources.find(({ resource_id }) => resource_id === resourceId)?.name ?? null
  const parts = current.parts.map((each) =>
    each.part === part ? { ...each, resource_id: resourceId, name } : each,
  )
  return placed(day, { ...current, parts })
}

/** The board with two visits in each other's place: time and dentist; each keeps its own length. */
export function swapOnBoard(day: ClinicDay, one: DayAppointment, other: DayAppointment): ClinicDay {
  const next = moveOnBoard(day, { appointmentId: one.id, ...placeOf(other) })
  return moveOnBoard(next, { appointmentId: other.id, ...placeOf(one) })
}

function placeOf({ dentist_id, starts_at }: DayAppointment): Omit<Move, 'appointmentId'> {
  return { dentistId: dentist_id, startsAt: starts_at }
}

/** The board with another status on one appointment; what no longer claims the calendar leaves it. */
export function statusOnBoard(day: ClinicDay, appointmentId: string, status: AppointmentStatus): ClinicDay {
  const current = findAppointment(day, appointmentId)
  // What may follow that status, the fresh day says.
  return current ? placed(day, { ...current, status, next_steps: [] }) : day
}

/**
 * What an event says, laid over the board at once. A booking or a hold carries no names, so those wait for the
 * fresh day that every event asks for; moves, statuses and vanished holds show without that round trip.
 */
export function patchDay(day: ClinicDay, event: ChairtimeEvent): ClinicDay {
  if (event.event === 'reservation_released' || event.event === 'reservation_expired') {
    return withoutHold(day, event.reservation_id)
  }
  const current = event.appointment_id ? findAppointment(day, event.appointment_id) : undefined
  if (!current || event.version === undefined || event.version <= current.version) return day
  const versioned = placed(day, { ...current, version: event.version })
  const dentistId = event.moved_to_dentist_id ?? event.dentist_id
  if (event.event === 'appointment_rescheduled' && event.starts_at && dentistId) {
    const { starts_at: startsAt, ends_at: endsAt } = event
    return moveOnBoard(versioned, {
      appointmentId: current.id,
      dentistId,
      startsAt,
      ...(endsAt ? { endsAt } : {}),
    })
  }
  if (event.event === 'appointment_confirmed')
    return placed(versioned, { ...current, version: event.version, confirmed_at: event.occurred_at })
  return event.status ? statusOnBoard(versioned, current.id, event.status as AppointmentStatus) : versioned
}

/** True if the event can change this board. */
export function concernsDay(day: ClinicDay, event: ChairtimeEvent): boolean {
  if (event.event.startsWith('reply_')) return false
  if (event.event === 'hours_changed' || !event.starts_at || !event.ends_at) return true
  if (event.appointment_id && findAppointment(day, event.appointment_id)) return true
  return epoch(event.starts_at) < epoch(day.ends_at) && epoch(event.ends_at) > epoch(day.starts_at)
}

function placed(day: ClinicDay, appointment: DayAppointment): ClinicDay {
  // Also what began before midnight, or ends after it.
  const onThisDay =
    epoch(appointment.ends_at) > epoch(day.starts_at) && epoch(appointment.starts_at) < epoch(day.ends_at)
  const withRow = (dentist: DayDentist): DayDentist => {
    const others = dentist.appointments.filter((row) => row.id !== appointment.id)
    const here = onThisDay && dentist.dentist_id === appointment.dentist_id
    if (!here && others.length === dentist.appointments.length) return dentist
    return { ...dentist, appointments: here ? [...others, appointment] : others }
  }
  return { ...day, dentists: day.dentists.map(withRow) }
}

function withoutHold(day: ClinicDay, holdId: string | undefined): ClinicDay {
  const dentists = day.dentists.map((dentist) => {
    const holds = dentist.holds.filter((hold) => hold.id !== holdId)
    return holds.length === dentist.holds.length ? dentist : { ...dentist, holds }
  })
  return { ...day, dentists }
}

function shifted(timestamp: string, milliseconds: number): string {
  return new Date(epoch(timestamp) + milliseconds).toISOString()
}
