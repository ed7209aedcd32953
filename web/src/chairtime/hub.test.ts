import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ChairtimeEvent } from './events'
import type { ChannelState, FeedPorts } from './feed'
import { Hub } from './hub'

/** Channels that do as they are told, and timers that run when told. */
class Channels implements FeedPorts {
  joined: string[] = []
  left: string[] = []
  timers: (() => void)[] = []
  states = new Map<string, (state: ChannelState) => void>()

  join: FeedPorts['join'] = (topic, onState) => {
    this.joined.push(topic)
    this.states.set(topic, onState)
    return () => this.left.push(topic)
  }

  since: FeedPorts['since'] = async () => [] as ChairtimeEvent[]

  later: FeedPorts['later'] = (task) => {
    this.timers.push(task)
    return () => {
      this.timers = this.timers.filter((other) => other !== task)
    }
  }

  enter(topic: string): void {
    this.states.get(topic)?.('SUBSCRIBED')
    this.states.get(topic)?.('READY')
  }

  pass(): void {
    for (const task of this.timers.splice(0)) task()
  }
}

let channels: Channels
let hub: Hub

beforeEach(() => {
  channels = new Channels()
  hub = new Hub(channels)
})

afterEach(() => vi.unstubAllGlobals())

describe('a hub', () => {
  it('joins a topic once, whoever listens', () => {
    hub.listen('a', {})
    hub.listen('a', {})
    expect(channels.joined).toEqual(['a'])
  })

  it('resyncs who listens to a topic that was joined before', () => {
    hub.listen('a', {})
    channels.enter('a')
    let resyncs = 0
    hub.listen('a', { onResync: () => (resyncs += 1) })
    expect(resyncs).toBe(1)
  })

  it('keeps a channel for who comes back at once, and forgets it otherwise', () => {
    const stop = hub.listen('a', {})
    channels.enter('a')
    stop()
    const again = hub.listen('a', {})
    channels.pass()
    expect(channels.left).toEqual([])
    again()
    channels.pass()
    expect(channels.left).toEqual(['a'])
    hub.listen('a', {})
    expect(channels.joined).toEqual(['a', 'a'])
  })

  it('says how the worst of its topics is', () => {
    expect(hub.status).toBe('idle')
    hub.listen('a', {})
    hub.listen('b', {})
    channels.enter('a')
    expect(hub.status).toBe('connecting')
    channels.enter('b')
    expect(hub.status).toBe('live')
    channels.states.get('b')?.('CHANNEL_ERROR')
    expect(hub.status).toBe('down')
    hub.setOnline(false)
    expect(hub.status).toBe('offline')
  })

  it.each([[undefined], [{}], [{ onLine: true }]])(
    'is not offline where the navigator is %o',
    (navigator) => {
      vi.stubGlobal('navigator', navigator)
      expect(new Hub(channels).status).toBe('idle')
    },
  )

  it('is offline where the browser says so', () => {
    vi.stubGlobal('navigator', { onLine: false })
    expect(new Hub(channels).status).toBe('offline')
  })
})
