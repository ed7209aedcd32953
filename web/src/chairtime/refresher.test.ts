import { beforeEach, expect, it, vi } from 'vitest'
import { Refresher } from './refresher'

let finish: (() => void)[]
let fetch: ReturnType<typeof vi.fn<() => Promise<void>>>
let refresher: Refresher

beforeEach(() => {
  vi.useFakeTimers()
  finish = []
  fetch = vi.fn(() => new Promise<void>((resolve) => finish.push(resolve)))
  refresher = new Refresher(fetch)
})

it('answers a burst with one fetch', async () => {
  for (let count = 0; count < 10; count += 1) refresher.request()
  await vi.advanceTimersByTimeAsync(1000)
  expect(fetch).toHaveBeenCalledTimes(1)
})

it('answers what happens during a fetch with another one, after it', async () => {
  refresher.request()
  await vi.advanceTimersByTimeAsync(100)
  refresher.request()
  await vi.advanceTimersByTimeAsync(1000)
  expect(fetch).toHaveBeenCalledTimes(1)
  finish[0]?.()
  await vi.advanceTimersByTimeAsync(100)
  expect(fetch).toHaveBeenCalledTimes(2)
})

it('is not kept from fetching by a stream of events', async () => {
  for (let count = 0; count < 100; count += 1) {
    refresher.request()
    await vi.advanceTimersByTimeAsync(10)
    finish.shift()?.()
  }
  expect(fetch.mock.calls.length).toBeGreaterThan(10)
})

it('goes on after a fetch that failed', async () => {
  fetch.mockRejectedValueOnce(new Error('no answer'))
  refresher.request()
  await vi.advanceTimersByTimeAsync(100)
  refresher.request()
  await vi.advanceTimersByTimeAsync(100)
  expect(fetch).toHaveBeenCalledTimes(2)
})

it('does nothing once nobody looks any more', async () => {
  const [one, other] = [refresher.look(), refresher.look()]
  refresher.request()
  one()
  await vi.advanceTimersByTimeAsync(1000)
  expect(fetch).toHaveBeenCalledTimes(1)
  finish[0]?.()
  refresher.request()
  other()
  await vi.advanceTimersByTimeAsync(1000)
  expect(fetch).toHaveBeenCalledTimes(1)
})
