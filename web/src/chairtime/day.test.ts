import { describe, expect, it } from 'vitest'
import { concernsDay, findAppointment, moveOnBoard, partOnBoard, patchDay, statusOnBoard } from './day'
import type { ClinicDay, DayAppointment, DayDentist } from './model'
import { event } from './testing/event'

const at = (time: string) => `2026-03-02T${time}:00.000Z`

function appointment(more: Partial<DayAppointment> = {}): DayAppointment {
  return {
    id: 'a1',
    clinic_id: 'clinic',
    dentist_id: 'lee',
    patient_id: 'ana',
    appointment_type_id: 'cleaning',
    patient_name: 'Ana',
    appointment_type: 'Cleaning',
    starts_at: at('14:00'),
    ends_at: at('14:45'),
    blocked_from: at('14:00'),
    blocked_until: at('15:00'),
    status: 'booked',
    notes: null,
    version: 1,
    source: 'desk',
    created_at: at('09:00'),
    updated_at: at('09:00'),
    cancelled_at: null,
    cancellation_reason: null,
    assigned: 'named',
    is_squeezed: false,
    changeable_until: null,
    confirmed_at: null,
    series_id: null,
    next_steps: [],
    staff_notes: null,
    parts: [],
    ...more,
  }
}

function dentist(id: string, more: Partial<DayDentist> = {}): DayDentist {
  return {
    dentist_id: id,
    full_name: id,
    profession: 'dentist',
    specialty: null,
    is_active: true,
    dentist_seq: 1,
    hours: [],
    appointments: [],
    holds: [],
    participations: [],
    elsewhere: [],
    time_off: [],
    ...more,
  }
}

const hold = {
  id: 'h1',
  patient_id: null,
  patient_name: null,
  appointment_type_id: 'cleaning',
  starts_at: at('16:00'),
  ends_at: at('16:45'),
  blocked_from: at('16:00'),
  blocked_until: at('17:00'),
  expires_at: at('12:05'),
  parts: [],
}

const board: ClinicDay = {
  clinic_id: 'clinic',
  day: '2026-03-02',
  time_zone: 'UTC',
  starts_at: at('00:00'),
  ends_at: '2026-03-03T00:00:00.000Z',
  server_now: at('12:00'),
  dentists: [dentist('lee', { appointments: [appointment()], holds: [hold] }), dentist('webb')],
  resources: [],
}

const moved = event(5, 5, {
  event: 'appointment_rescheduled',
  appointment_id: 'a1',
  version: 2,
  starts_at: at('15:00'),
  ends_at: at('15:45'),
})

describe('moving on the board', () => {
  it('takes the buffers along, to another column too', () => {
    const next = moveOnBoard(board, { appointmentId: 'a1', dentistId: 'webb', startsAt: at('10:00') })
    expect(next.dentists[0]?.appointments).toEqual([])
    expect(next.dentists[1]?.appointments[0]).toMatchObject({
      starts_at: at('10:00'),
      ends_at: at('10:45'),
      blocked_until: at('11:00'),
    })
  })

  it('takes an appointment off the board that goes to another day', () => {
    const next = moveOnBoard(board, {
      appointmentId: 'a1',
      dentistId: 'lee',
      startsAt: '2026-03-04T10:00:00Z',
    })
    expect(findAppointment(next, 'a1')).toBeUndefined()
  })
})

describe('the parts of a visit', () => {
  const chair = { part: 1, needs: 'chair' as const, only_resources: null, resource_id: 'one', name: 'one' }
  const exam = { part: 2, needs: 'dentist' as const, only_resources: null, resource_id: 'webb', name: 'webb' }
  const parts = [
    { ...chair, starts_at: at('14:00'), ends_at: at('15:00') },
    { ...exam, starts_at: at('14:20'), ends_at: at('14:30') },
  ]
  const visit = { ...board, dentists: [dentist('lee', { appointments: [appointment({ parts })] })] }

  it('travel with it, and only those until its end last until another end', () => {
    const next = moveOnBoard(visit, {
      appointmentId: 'a1',
      dentistId: 'lee',
      startsAt: at('15:00'),
      endsAt: at('16:00'),
    })
    expect(findAppointment(next, 'a1')?.parts).toMatchObject([
      { starts_at: at('15:00'), ends_at: at('16:15') },
      { starts_at: at('15:20'), ends_at: at('15:30') },
    ])
    expect(findAppointment(next, 'a1')?.blocked_until).toBe(at('16:15'))
  })

  it('take another chair one at a time', () => {
    const [first, second] = findAppointment(partOnBoard(visit, 'a1', 1, 'two'), 'a1')?.parts ?? []
    expect([first?.resource_id, second?.resource_id]).toEqual(['two', 'webb'])
  })
})

describe('an event', () => {
  it('moves its appointment', () => {
    expect(findAppointment(patchDay(board, moved), 'a1')).toMatchObject({
      starts_at: at('15:00'),
      version: 2,
    })
  })

  it('of an older version changes nothing', () => {
    const newer = { ...board, dentists: [dentist('lee', { appointments: [appointment({ version: 3 })] })] }
    expect(patchDay(newer, moved)).toBe(newer)
  })

  it('that tells the former dentist finds the new one', () => {
    const away = { ...moved, moved_to_dentist_id: 'webb' }
    expect(findAppointment(patchDay(board, away), 'a1')?.dentist_id).toBe('webb')
  })

  it('changes a status', () => {
    const arrived = event(5, 5, {
      event: 'appointment_status_changed',
      appointment_id: 'a1',
      version: 2,
      status: 'checked_in',
    })
    expect(findAppointment(patchDay(board, arrived), 'a1')?.status).toBe('checked_in')
  })

  it('notes that somebody will come', () => {
    const confirmed = event(5, 5, { event: 'appointment_confirmed', appointment_id: 'a1', version: 2 })
    const shown = findAppointment(patchDay(board, confirmed), 'a1')
    expect(shown).toMatchObject({ status: 'booked', version: 2, confirmed_at: confirmed.occurred_at })
  })

  it('leaves what began before midnight where it is shown', () => {
    const begun = appointment({ starts_at: '2026-03-01T23:30:00.000Z', ends_at: at('00:15') })
    const night = { ...board, dentists: [dentist('lee', { appointments: [begun] })] }
    expect(findAppointment(statusOnBoard(night, 'a1', 'checked_in'), 'a1')?.status).toBe('checked_in')
    const over = moveOnBoard(night, {
      appointmentId: 'a1',
      dentistId: 'lee',
      startsAt: '2026-03-01T23:15:00Z',
    })
    expect(findAppointment(over, 'a1')).toBeUndefined()
  })

  it('takes a hold away that expired', () => {
    const expired = event(5, 5, { event: 'reservation_expired', reservation_id: 'h1' })
    expect(patchDay(board, expired).dentists[0]?.holds).toEqual([])
  })

  it('concerns the day it is on, the day it is shown on, and always when hours change', () => {
    const elsewhere = { starts_at: '2026-03-09T10:00:00Z', ends_at: '2026-03-09T10:30:00Z' }
    expect(concernsDay(board, moved)).toBe(true)
    expect(concernsDay(board, { ...moved, ...elsewhere })).toBe(true)
    expect(concernsDay(board, event(5, 5, elsewhere))).toBe(false)
    expect(concernsDay(board, event(5, 5, { event: 'hours_changed' }))).toBe(true)
    expect(concernsDay(board, event(5, 5, { event: 'reply_received' }))).toBe(false)
  })
})

it('shows a status before the server has confirmed it', () => {
  expect(findAppointment(statusOnBoard(board, 'a1', 'fulfilled'), 'a1')?.status).toBe('fulfilled')
})
