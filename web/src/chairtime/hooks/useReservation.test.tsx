import { notifyManager } from '@tanstack/react-query'
import { act, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ChairtimeClient } from '../client'
import { ChairtimeError } from '../errors'
import type { ChairtimeEvent } from '../events'
import type { Reservation } from '../model'
import { ChairtimeProvider } from '../provider'
import { event } from '../testing/event'
import { useReservation } from './useReservation'

type Hold = ReturnType<typeof useReservation>

const START = Date.parse('2026-03-02T14:00:00Z')
const wanted = (minutes: number) => ({
  dentistId: 'lee',
  appointmentTypeId: 'check-up',
  startsAt: new Date(START + minutes * 60_000).toISOString(),
})

/** The server's side of holding, as far as it concerns the hook: who holds what, and how many are allowed. */
class Desk {
  readonly held = new Map<string, Reservation>()
  readonly calls: string[] = []
  taken = new Set<string>()
  limit = 2
  /** Resolves when the answer to a confirmation may arrive. */
  answer = Promise.resolve()

  rpc = async (name: string, args: Record<string, string>): Promise<unknown> => {
    this.calls.push(name)
    if (name === 'reserve_slot') return this.#reserve(args['starts_at'] as string)
    const id = args['reservation_id'] as string
    if (name === 'release_reservation') return this.held.delete(id)
    if (name === 'confirm_reservation' && this.held.delete(id)) {
      await this.answer
      return { id, status: 'booked' }
    }
    throw new ChairtimeError({ code: 'reservation_expired', message: 'gone' })
  }

  rows = async (): Promise<Reservation[]> => {
    const found = this.held.get(sessionStorage.getItem('chairtime.reservation:booking') ?? '')
    return found ? [found] : []
  }

  #reserve(starts_at: string): Reservation {
    if (this.held.size >= this.limit) throw new ChairtimeError({ code: 'reservation_limit', message: 'no' })
    if (this.taken.has(starts_at)) throw new ChairtimeError({ code: 'slot_taken', message: 'no' })
    const id = `hold of ${starts_at}, number ${this.calls.length}`
    const reservation = {
      id,
      clinic_id: 'clinic',
      dentist_id: 'lee',
      appointment_type_id: 'check-up',
      patient_id: null,
      starts_at,
      ends_at: starts_at,
      expires_at: new Date(Date.now() + 300_000).toISOString(),
      server_now: new Date().toISOString(),
    } as unknown as Reservation
    this.held.set(id, reservation)
    return reservation
  }
}

describe('useReservation', () => {
  let desk: Desk
  let unmount: () => Promise<void>
  let hears: (event: ChairtimeEvent) => void
  const shown: Record<string, Hold> = {}
  const heldStarts = () => [...desk.held.values()].map(({ starts_at }) => starts_at)

  function Shows({ as, name }: { as: string; name?: string }) {
    shown[as] = useReservation(name)
    return null
  }

  /** Renders something for a signed-in user, and waits until it has settled. */
  async function render(children: ReactNode): Promise<(next: ReactNode) => Promise<void>> {
    const client = new ChairtimeClient({
      url: `http://${crypto.randomUUID()}.localhost`,
      publishableKey: 'sb_publishable_x',
    })
    Object.assign(client, { rpc: desk.rpc, rows: desk.rows })
    vi.spyOn(client.hub, 'listen').mockImplementation((_topic, { onEvent }) => {
      if (onEvent) hears = onEvent
      return () => {}
    })
    vi.spyOn(client.supabase.auth, 'onAuthStateChange').mockImplementation((tell: unknown) => {
      ;(tell as (event: string, session: unknown) => void)('SIGNED_IN', { user: { id: 'ana' } })
      return { data: { subscription: { unsubscribe: () => {} } } } as never
    })
    const root = createRoot(document.createElement('div'))
    const show = (next: ReactNode) =>
      act(async () => root.render(<ChairtimeProvider client={client}>{next}</ChairtimeProvider>))
    await show(children)
    unmount = () => act(async () => root.unmount())
    return show
  }

  const hold = (as: string, minutes: number) =>
    act(async () => {
      await (shown[as] as Hold).reserve.mutateAsync(wanted(minutes)).catch(() => {})
    })

  beforeEach(() => {
    vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
    notifyManager.setScheduler(queueMicrotask)
    sessionStorage.clear()
    desk = new Desk()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await unmount()
    vi.unstubAllGlobals()
  })

  it('takes another slot before it gives the first one back', async () => {
    await render(<Shows as="a" />)
    await hold('a', 0)
    await hold('a', 60)
    expect(shown['a']?.reservation?.starts_at).toBe(wanted(60).startsAt)
    expect(heldStarts()).toEqual([wanted(60).startsAt])
    expect(desk.calls).toEqual(['reserve_slot', 'reserve_slot', 'release_reservation'])
  })

  it('keeps the first hold when the second one is refused', async () => {
    await render(<Shows as="a" />)
    await hold('a', 0)
    desk.taken.add(wanted(60).startsAt)
    await hold('a', 60)
    expect(shown['a']?.reserve.error?.code).toBe('slot_taken')
    expect(shown['a']?.reservation?.starts_at).toBe(wanted(0).startsAt)
    expect(heldStarts()).toEqual([wanted(0).startsAt])
  })

  it('swaps where only one hold is allowed, and takes the first again when the second is refused', async () => {
    desk.limit = 1
    await render(<Shows as="a" />)
    await hold('a', 0)
    await hold('a', 60)
    expect(heldStarts()).toEqual([wanted(60).startsAt])
    desk.taken.add(wanted(120).startsAt)
    await hold('a', 120)
    expect(shown['a']?.reserve.error?.code).toBe('slot_taken')
    expect(shown['a']?.reservation?.starts_at).toBe(wanted(60).startsAt)
    expect(heldStarts()).toEqual([wanted(60).startsAt])
  })

  it('shows one hold wherever its name is used, until the last of them is gone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const show = await render([<Shows key="a" as="a" />, <Shows key="b" as="b" />])
    await hold('a', 0)
    expect(shown['b']?.reservation?.id).toBe(shown['a']?.reservation?.id)
    await show([<Shows key="a" as="a" />])
    await act(async () => vi.advanceTimersByTime(1000))
    expect(heldStarts()).toEqual([wanted(0).startsAt])
    await show([])
    await act(async () => vi.advanceTimersByTime(1000))
    expect(heldStarts()).toEqual([])
  })

  it('keeps holds of different names apart', async () => {
    await render([<Shows key="a" as="a" name="mine" />, <Shows key="b" as="b" name="yours" />])
    await hold('a', 0)
    await hold('b', 60)
    expect(heldStarts()).toEqual([wanted(0).startsAt, wanted(60).startsAt])
    await act(() => (shown['b'] as Hold).release())
    expect(shown['a']?.reservation?.starts_at).toBe(wanted(0).startsAt)
    expect(heldStarts()).toEqual([wanted(0).startsAt])
  })

  it('finds its hold again after a reload', async () => {
    await render(<Shows as="a" />)
    await hold('a', 0)
    const id = shown['a']?.reservation?.id
    await render(<Shows as="b" />)
    expect(id).toBeDefined()
    expect(shown['b']?.reservation?.id).toBe(id)
  })

  it('refuses in the words of the contract to confirm what is not held', async () => {
    await render(<Shows as="a" />)
    const refused = act(() => (shown['a'] as Hold).confirm.mutateAsync({}))
    await expect(refused).rejects.toMatchObject({ code: 'reservation_expired' })
    expect(desk.calls).toEqual([])
  })

  it('becomes a booking, also when the hold runs out while the answer is on its way', async () => {
    let arrives: () => void
    desk.answer = new Promise((resolve) => (arrives = resolve))
    await render(<Shows as="a" />)
    await hold('a', 0)
    const confirmed = (shown['a'] as Hold).confirm.mutateAsync({ notes: 'afraid' })
    await vi.waitFor(() => expect(desk.calls).toContain('confirm_reservation'))
    const reservation_id = shown['a']?.reservation?.id as string
    await act(async () => hears(event(1, 1, { event: 'reservation_expired', reservation_id })))
    expect(shown['a']?.hasExpired).toBe(true)
    arrives!()
    await act(() => confirmed)
    expect(shown['a']?.confirm.data).toMatchObject({ status: 'booked' })
    expect(shown['a']?.reservation).toBeNull()
    expect(shown['a']?.hasExpired).toBe(false)
  })
})
