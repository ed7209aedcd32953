import {
  type ClinicDay,
  type DayAppointment,
  type DayDentist,
  type DayHold,
  type DayPart,
  type DayTimeOff,
  epoch,
  type Participation,
  type Period,
} from '../../../chairtime'
import { professionNames } from '../../words'

/** What the columns of the board are. */
export type ColumnsOf = 'dentists' | 'chairs'

/** A visit, a hold or a part of one where it is drawn; those that meet stand side by side. */
export interface Placed<T> extends Period {
  key: string
  row: T
  lane: number
  lanes: number
}

export type Visit = {
  kind: 'visit'
  appointment: DayAppointment
  /** The part that is drawn: 0 is the leader's. */
  part: number
}
export type Exam = { kind: 'exam'; participation: Participation; appointment: DayAppointment | undefined }
export type Held = { kind: 'hold'; hold: DayHold }
export type Item = Visit | Exam | Held

/** One column: a dentist's day, or a chair's. */
export interface BoardColumn {
  id: string
  title: string
  subtitle: string
  /** Whether visits can be put here. */
  isOpen: boolean
  hours: Period[]
  off: DayTimeOff[]
  /** Taken by another clinic. */
  elsewhere: Period[]
  items: Placed<Item>[]
}

/** The column of what takes no chair. */
export const NO_CHAIR = 'none'

export function dentistColumns(day: ClinicDay, dentists: DayDentist[]): BoardColumn[] {
  const visits = new Map(
    day.dentists.flatMap((each) => each.appointments.map((row) => [row.id, row] as const)),
  )
  return dentists.map((dentist) => ({
    id: dentist.dentist_id,
    title: dentist.full_name,
    subtitle: dentist.specialty ?? professionNames[dentist.profession],
    isOpen: dentist.is_active,
    hours: dentist.hours,
    off: dentist.time_off,
    elsewhere: dentist.elsewhere,
    items: sideBySide<Item>([
      ...dentist.appointments.filter(isShown).map((appointment) => visitAt(appointment, 0, appointment)),
      ...dentist.participations.map((participation) => ({
        key: `${participation.appointment_id} ${participation.part}`,
        starts_at: participation.starts_at,
        ends_at: participation.ends_at,
        row: { kind: 'exam' as const, participation, appointment: visits.get(participation.appointment_id) },
      })),
      ...dentist.holds.map((hold) => holdAt(hold, hold)),
    ]),
  }))
}

/** Chairs and equipment as columns; what takes no chair has one of its own. */
export function chairColumns(day: ClinicDay): BoardColumn[] {
  const visits = day.dentists.flatMap((dentist) => dentist.appointments).filter(isShown)
  const holds = day.dentists.flatMap((dentist) => dentist.holds)
  const hours = united(day.dentists.flatMap((dentist) => dentist.hours))
  const columns = day.resources.map((resource) => ({
    id: resource.resource_id,
    title: resource.name,
    subtitle: resource.is_active ? kindNames[resource.kind] : 'Out of use',
    isOpen: resource.is_active,
    hours,
    off: resource.time_off,
    elsewhere: [],
    items: sideBySide<Item>([
      ...visits.flatMap((visit) =>
        partsIn(visit, resource.resource_id).map((part) => visitAt(visit, part.part, part)),
      ),
      ...holds.flatMap((hold) => partsIn(hold, resource.resource_id).map((part) => holdAt(hold, part))),
    ]),
  }))
  const homeless = visits.filter((visit) => !visit.parts.some(({ needs }) => needs === 'chair'))
  if (homeless.length === 0) return columns
  const without = {
    id: NO_CHAIR,
    title: 'No chair',
    subtitle: 'Visits that take none',
    isOpen: false,
    hours: [],
    off: [],
    elsewhere: [],
    items: sideBySide<Item>(homeless.map((visit) => visitAt(visit, 0, visit))),
  }
  return [...columns, without]
}

const kindNames = { chair: 'Chair', equipment: 'Equipment' }

function isShown({ status }: DayAppointment): boolean {
  return status !== 'cancelled'
}

function partsIn({ parts }: { parts: DayPart[] }, resourceId: string): DayPart[] {
  return parts.filter(({ resource_id }) => resource_id === resourceId)
}

function visitAt(appointment: DayAppointment, part: number, at: Period) {
  const row: Visit = { kind: 'visit', appointment, part }
  return { key: `${appointment.id} ${part}`, starts_at: at.starts_at, ends_at: at.ends_at, row }
}

function holdAt(hold: DayHold, at: Period) {
  const row: Held = { kind: 'hold', hold }
  return { key: hold.id, starts_at: at.starts_at, ends_at: at.ends_at, row }
}

/** Each in a lane of its own as long as it meets others; who meets nobody has the whole width. */
export function sideBySide<T>(found: Omit<Placed<T>, 'lane' | 'lanes'>[]): Placed<T>[] {
  const placed: Placed<T>[] = []
  let group: Placed<T>[] = []
  let groupEnds = Number.NEGATIVE_INFINITY
  const close = () => {
    const lanes = 1 + Math.max(0, ...group.map(({ lane }) => lane))
    placed.push(...group.map((item) => ({ ...item, lanes })))
    group = []
  }
  for (const item of found.toSorted((a, b) => epoch(a.starts_at) - epoch(b.starts_at))) {
    if (epoch(item.starts_at) >= groupEnds) close()
    const ends = new Map<number, number>()
    for (const { lane, ends_at } of group) ends.set(lane, Math.max(ends.get(lane) ?? 0, epoch(ends_at)))
    let lane = 0
    while ((ends.get(lane) ?? 0) > epoch(item.starts_at)) lane += 1
    group.push({ ...item, lane, lanes: 1 })
    groupEnds = Math.max(group.length === 1 ? 0 : groupEnds, epoch(item.ends_at))
  }
  close()
  return placed
}

/** When anybody works. */
function united(periods: Period[]): Period[] {
  const whole: Period[] = []
  for (const period of periods.toSorted((a, b) => epoch(a.starts_at) - epoch(b.starts_at))) {
    const last = whole.at(-1)
    if (!last || epoch(last.ends_at) < epoch(period.starts_at)) whole.push({ ...period })
    else if (epoch(last.ends_at) < epoch(period.ends_at)) last.ends_at = period.ends_at
  }
  return whole
}
