import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import type { ChairtimeClient } from '../client'
import { moveOnBoard, partOnBoard, statusOnBoard, swapOnBoard } from '../day'
import { idempotent } from '../idempotency'
import type { Appointment, AppointmentStatus, ClinicDay, DayAppointment } from '../model'
import { useChairtime } from '../provider'

interface About {
  appointment: DayAppointment
}
export type Moving = About & { dentistId: string; startsAt: string }
export type Deciding = About & { status: AppointmentStatus; reason?: string }
export type Resizing = About & { endsAt: string }
export type Reseating = About & { part: number; resourceId: string }
export type Swapping = About & { other: DayAppointment }

/** What was done to an appointment, and how it is taken back. */
export interface Done {
  kind: 'moved' | 'decided' | 'resized' | 'reseated' | 'swapped'
  before: DayAppointment
  after: Appointment
  undo(): Promise<unknown>
}

interface Kind<Variables> {
  kind: Done['kind']
  send(variables: Variables): Promise<Appointment>
  preview(board: ClinicDay, variables: Variables): ClinicDay
  undo(after: Appointment, variables: Variables): Promise<unknown>
}

/** What the desk does to appointments: shown at once, rolled back when the server refuses, and to be taken back afterwards. */
export function useDayActions(queryKey: QueryKey, refresh: () => void, onDone?: (done: Done) => void) {
  const client = useChairtime()
  const queries = useQueryClient()
  // What was picked up before the last change of it was answered is that change's: the versions we made of others.
  const made = useRef(new Map<string, number>())
  const latest = (appointment: DayAppointment): DayAppointment => {
    const version = made.current.get(`${appointment.id} ${appointment.version}`)
    return version === undefined ? appointment : latest({ ...appointment, version })
  }
  const optimistic = <Variables extends About>({ kind, send, preview, undo }: Kind<Variables>) => ({
    // One after the other, in the order in which they were done.
    scope: { id: queryKey.join(' ') },
    mutationFn: (variables: Variables) => send({ ...variables, appointment: latest(variables.appointment) }),
    onMutate: async (variables: Variables) => {
      await queries.cancelQueries({ queryKey })
      const before = queries.getQueryData<ClinicDay>(queryKey)
      queries.setQueryData<ClinicDay>(queryKey, (board) => board && preview(board, variables))
      return { before }
    },
    onError: (_error: Error, _variables: Variables, context: { before: ClinicDay | undefined } | undefined) =>
      queries.setQueryData(queryKey, context?.before),
    onSuccess: (after: Appointment, variables: Variables) => {
      const { id, version } = latest(variables.appointment)
      if (version < after.version) made.current.set(`${id} ${version}`, after.version)
      onDone?.({
        kind,
        before: variables.appointment,
        after,
        undo: () => undo(after, variables).finally(refresh),
      })
    },
    onSettled: refresh,
  })
  const move = useMutation(
    optimistic<Moving>({
      kind: 'moved',
      send: ({ appointment, dentistId, startsAt }) => reschedule(client, appointment, dentistId, startsAt),
      preview: (board, { appointment, ...to }) =>
        moveOnBoard(board, { appointmentId: appointment.id, ...to }),
      undo: (after, { appointment: { dentist_id, starts_at } }) =>
        reschedule(client, after, dentist_id, starts_at),
    }),
  )
  const setStatus = useMutation(
    optimistic<Deciding>({
      kind: 'decided',
      send: ({ appointment, status, reason }) =>
        status === 'cancelled'
          ? client.rpc('cancel_appointment', {
              appointment_id: appointment.id,
              expected_version: appointment.version,
              ...(reason ? { reason } : {}),
            })
          : decide(client, appointment, status),
      preview: (board, { appointment, status }) => statusOnBoard(board, appointment.id, status),
      undo: (after, { appointment }) => takeBack(client, after, appointment.status),
    }),
  )
  const resize = useMutation(
    optimistic<Resizing>({
      kind: 'resized',
      send: ({ appointment, endsAt }) => resized(client, appointment, endsAt),
      preview: (board, { appointment: { id, dentist_id, starts_at }, endsAt }) =>
        moveOnBoard(board, { appointmentId: id, dentistId: dentist_id, startsAt: starts_at, endsAt }),
      undo: (after, { appointment }) => resized(client, after, appointment.ends_at),
    }),
  )
  const reseat = useMutation(
    optimistic<Reseating>({
      kind: 'reseated',
      send: ({ appointment, part, resourceId }) => reseated(client, appointment, part, resourceId),
      preview: (board, { appointment, part, resourceId }) =>
        partOnBoard(board, appointment.id, part, resourceId),
      undo: async (after, { appointment, part }) => {
        const before = appointment.parts.find((each) => each.part === part)?.resource_id
        return before && reseated(client, after, part, before)
      },
    }),
  )
  const swap = useMutation(
    optimistic<Swapping>({
      kind: 'swapped',
      send: ({ appointment, other }) => swapped(client, appointment, other),
      preview: (board, { appointment, other }) => swapOnBoard(board, appointment, other),
      undo: (_after, { appointment, other }) => swapped(client, appointment, other),
    }),
  )
  return { move, setStatus, resize, reseat, swap }
}

type Versioned = Pick<Appointment, 'id' | 'version'>

function reschedule(
  client: ChairtimeClient,
  { id, version }: Versioned,
  dentistId: string,
  startsAt: string,
) {
  return idempotent((idempotency_key) =>
    client.rpc('reschedule_appointment', {
      appointment_id: id,
      starts_at: startsAt,
      dentist_id: dentistId,
      expected_version: version,
      idempotency_key,
    }),
  )
}

function decide(client: ChairtimeClient, { id, version }: Versioned, status: AppointmentStatus) {
  return client.rpc('set_appointment_status', { appointment_id: id, status, expected_version: version })
}

/** Back to the status before; a cancelled one is booked first, whatever it was. */
async function takeBack(client: ChairtimeClient, after: Appointment, before: AppointmentStatus) {
  if (after.status !== 'cancelled') return decide(client, after, before)
  const booked = await decide(client, after, 'booked')
  return before === 'booked' ? booked : decide(client, booked, before)
}

function resized(client: ChairtimeClient, { id, version }: Versioned, endsAt: string) {
  return client.rpc('resize_appointment', { appointment_id: id, ends_at: endsAt, expected_version: version })
}

function reseated(client: ChairtimeClient, { id }: Versioned, part: number, resourceId: string) {
  return client.rpc('move_to_resource', { appointment_id: id, part, resource_id: resourceId })
}

async function swapped(client: ChairtimeClient, one: Versioned, other: Versioned): Promise<Appointment> {
  const rows = await client.rpc('swap_appointments', { appointment_id: one.id, other_id: other.id })
  return rows.find(({ id }) => id === one.id) as Appointment
}
