import { beforeEach, describe, expect, it } from 'vitest'
import type { ChairtimeEvent } from './events'
import { type ChannelState, Feed, type FeedPorts } from './feed'
import { event } from './testing/event'

/** A server in memory: a log that `events_since` reads, one channel at a time, and timers that run when told. */
class World implements FeedPorts {
  log: ChairtimeEvent[] = []
  asked: number[] = []
  joins = 0
  left = 0
  timers: { task: () => void; delay: number }[] = []
  isDown = false
  /** Ids above this are still held back by `events_since`. */
  horizon = Number.POSITIVE_INFINITY
  state: (state: ChannelState) => void = () => {}
  say: (event: ChairtimeEvent) => void = () => {}

  join: FeedPorts['join'] = (_topic, onState, onEvent) => {
    this.joins += 1
    this.state = onState
    this.say = onEvent
    return () => {
      this.left += 1
    }
  }

  since: FeedPorts['since'] = async (_topic, after, max) => {
    this.asked.push(after)
    if (this.isDown) throw new Error('no answer')
    return this.log.filter(({ event_id }) => event_id > after && event_id <= this.horizon).slice(0, max)
  }

  later: FeedPorts['later'] = (task, delay) => {
    const timer = { task, delay }
    this.timers.push(timer)
    return () => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  /** The channel is joined, and the server hears the database. */
  enter(): void {
    this.state('SUBSCRIBED')
    this.state('READY')
  }

  /** Lets promises settle, and runs what was put off. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      await Promise.resolve()
      await new Promise((resolve) => setTimeout(resolve, 0))
      const due = this.timers
      this.timers = []
      for (const { task } of due) task()
    }
  }
}

let world: World
let feed: Feed
let heard: number[]
let resyncs: number

beforeEach(() => {
  world = new World()
  feed = new Feed('availability:clinic', world)
  heard = []
  resyncs = 0
  feed.listen({ onEvent: ({ event_id }) => heard.push(event_id), onResync: () => (resyncs += 1) })
  feed.open()
})

describe('joining', () => {
  it('asks for a fresh snapshot each time the channel is joined', () => {
    world.enter()
    world.state('CHANNEL_ERROR')
    world.enter()
    expect(resyncs).toBe(2)
  })

  it('fetches what was said while it was away, each event once', async () => {
    world.enter()
    world.log = [event(1, 1), event(2, 2), event(3, 3)]
    world.say(event(1, 1))
    world.state('CHANNEL_ERROR')
    world.enter()
    world.say(event(3, 3))
    await world.settle()
    expect(heard.toSorted()).toEqual([1, 2, 3])
  })

  it('asks for what it missed after every rejoin', async () => {
    world.enter()
    world.log = [event(1, 1)]
    world.say(event(1, 1))
    for (let times = 0; times < 3; times += 1) {
      world.state('CHANNEL_ERROR')
      world.enter()
      await world.settle()
    }
    expect(world.asked).toEqual([1, 1, 1])
  })

  it('reads what was committed between the answer and the moment the server hears the database', async () => {
    world.enter()
    world.say(event(1, 1))
    world.state('CHANNEL_ERROR')
    world.log = [event(1, 1)]
    world.state('SUBSCRIBED')
    world.log = [event(1, 1), event(2, 2)]
    expect(feed.status).toBe('recovering')
    expect(resyncs).toBe(1)
    world.state('READY')
    await world.settle()
    expect(heard).toEqual([1, 2])
    expect(resyncs).toBe(2)
  })

  it('does not wait for ever for a server that does not say when it is ready', async () => {
    world.state('SUBSCRIBED')
    expect(resyncs).toBe(0)
    await world.settle()
    expect(resyncs).toBe(1)
    expect(feed.status).toBe('live')
    world.state('READY')
    expect(resyncs).toBe(1)
  })

  it('is live only when nothing can be missing', async () => {
    expect(feed.status).toBe('connecting')
    world.enter()
    expect(feed.status).toBe('live')
    world.say(event(1, 1))
    world.state('TIMED_OUT')
    expect(feed.status).toBe('down')
    world.state('SUBSCRIBED')
    expect(feed.status).toBe('recovering')
    world.state('READY')
    expect(feed.status).toBe('recovering')
    await world.settle()
    expect(feed.status).toBe('live')
  })

  it('resyncs who begins to listen later', () => {
    world.enter()
    let late = 0
    feed.listen({ onResync: () => (late += 1) })
    expect(late).toBe(1)
    expect(resyncs).toBe(1)
  })

  it('resyncs who begins to listen while it recovers', () => {
    world.state('SUBSCRIBED')
    let late = 0
    feed.listen({ onResync: () => (late += 1) })
    expect(late).toBe(1)
  })
})

describe('news for too many', () => {
  it('is read from the log, and shown by a fresh snapshot', async () => {
    world.enter()
    world.say(event(1, 1))
    world.log = [event(1, 1), event(2, 2), event(3, 3)]
    world.say({ event: 'resync', id: 'some' } as unknown as ChairtimeEvent)
    await world.settle()
    expect(heard).toEqual([1, 2, 3])
    expect(resyncs).toBe(2)
    world.say(event(4, 4))
    await world.settle()
    expect(world.asked).toEqual([1])
  })
})

describe('a closed channel', () => {
  it('is joined anew, later each time, since nobody else does it', () => {
    const delays: number[] = []
    for (let times = 0; times < 3; times += 1) {
      world.state('CLOSED')
      const timer = world.timers.shift()
      delays.push(timer?.delay ?? Number.NaN)
      timer?.task()
    }
    expect(world.joins).toBe(4)
    expect(delays).toEqual(delays.toSorted((a, b) => a - b))
    expect(new Set(delays).size).toBe(3)
  })

  it('is left alone when the feed itself closed it', () => {
    feed.close()
    world.state('CLOSED')
    expect(world.left).toBe(1)
    expect(world.timers).toEqual([])
  })

  it('is not listened to any more once it has been replaced', () => {
    const old = world.say
    world.state('CLOSED')
    world.timers.shift()?.task()
    feed.open()
    old(event(1, 1))
    expect(heard).toEqual([])
  })
})

describe('a gap', () => {
  it('is filled from the log', async () => {
    world.enter()
    world.log = [event(1, 1), event(2, 2), event(3, 3), event(4, 4)]
    world.say(event(1, 1))
    world.say(event(4, 4))
    await world.settle()
    expect(heard.toSorted()).toEqual([1, 2, 3, 4])
    expect(feed.status).toBe('live')
    expect(resyncs).toBe(1)
  })

  it('is asked for again while an older transaction still holds the log back', async () => {
    world.enter()
    world.log = [event(1, 1), event(2, 2), event(3, 3)]
    world.horizon = 1
    world.say(event(1, 1))
    world.say(event(3, 3))
    await new Promise((resolve) => setTimeout(resolve, 0))
    expect(feed.status).toBe('recovering')
    world.horizon = 3
    await world.settle()
    expect(heard.toSorted()).toEqual([1, 2, 3])
    expect(world.asked.length).toBeGreaterThan(1)
  })

  it('ends in a fresh snapshot when the log cannot be read, and in the log when it can', async () => {
    world.enter()
    world.isDown = true
    world.log = [event(1, 1), event(2, 2), event(3, 3)]
    world.say(event(1, 1))
    world.say(event(3, 3))
    await world.settle()
    expect(resyncs).toBeGreaterThan(1)
    expect(feed.status).toBe('recovering')
    world.isDown = false
    await world.settle()
    expect(heard.toSorted()).toEqual([1, 2, 3])
    expect(feed.status).toBe('live')
  })

  it('is left alone once the channel is lost', async () => {
    world.enter()
    world.isDown = true
    world.say(event(1, 1))
    world.say(event(3, 3))
    feed.close()
    await world.settle()
    const { length } = world.asked
    await world.settle()
    expect(world.asked).toHaveLength(length)
  })

  it('after a snapshot alone ends in a fresh snapshot', () => {
    world.enter()
    feed.baseline('lee', 5)
    world.say(event(9, 9))
    expect(resyncs).toBe(2)
  })
})

it('never asks the server anything while events simply follow each other', async () => {
  world.enter()
  for (let seq = 1; seq <= 50; seq += 1) world.say(event(seq, seq))
  await world.settle()
  expect(world.asked).toEqual([])
  expect(resyncs).toBe(1)
})
