import { type ChairtimeEvent, Cursor } from './events'

/** What a channel tells about itself, in the words of supabase-js. */
export type ChannelState = 'SUBSCRIBED' | 'CHANNEL_ERROR' | 'TIMED_OUT' | 'CLOSED'
export type FeedStatus = 'connecting' | 'live' | 'recovering' | 'down'

/** The outside world of a feed, so that its logic can be tested without one. */
export interface FeedPorts {
  /** Joins the topic; the returned function leaves it. Called again after a CLOSED, which nobody else repairs. */
  join(
    topic: string,
    onState: (state: ChannelState) => void,
    onEvent: (event: ChairtimeEvent) => void,
  ): () => void
  /** The RPC `events_since`: rows in order and without gaps. */
  since(topic: string, afterId: number, max: number): Promise<ChairtimeEvent[]>
  /** Runs `task` later and returns how to prevent it. */
  later(task: () => void, milliseconds: number): () => void
}

export interface FeedListener {
  /** Each event exactly once, in order for each dentist but for what arrives during a recovery. */
  onEvent?(event: ChairtimeEvent): void
  /** The channel has just been (re)joined, or a gap could not be closed: read a fresh snapshot. */
  onResync?(): void
}

const PAGE = 200
const RECOVERY_DELAYS = [0, 150, 400, 1000, 2500]
const REJOIN_DELAYS = [500, 1000, 2000, 5000, 10_000]

/**
 * One topic's events, repaired: broadcasts are hints delivered at most once, so duplicates are dropped, a jump in
 * `dentist_seq` is filled from `events_since`, and every join ends in a resync. Nothing here runs on an interval.
 */
export class Feed {
  readonly topic: string
  readonly cursor = new Cursor()
  status: FeedStatus = 'connecting'
  readonly #ports: FeedPorts
  readonly #onStatus: () => void
  readonly #listeners = new Set<FeedListener>()
  #leave: (() => void) | null = null
  #cancelRejoin: (() => void) | null = null
  /** What an earlier channel still says is not listened to. */
  #generation = 0
  #failures = 0
  #recovering = 0

  constructor(topic: string, ports: FeedPorts, onStatus: () => void = () => {}) {
    this.topic = topic
    this.#ports = ports
    this.#onStatus = onStatus
  }

  /** True while anybody listens. */
  get inUse(): boolean {
    return this.#listeners.size > 0
  }

  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  open(): void {
    this.#cancelRejoin?.()
    this.#leave?.()
    const generation = (this.#generation += 1)
    const isCurrent = () => generation === this.#generation
    this.#leave = this.#ports.join(
      this.topic,
      (state) => isCurrent() && this.#onState(state),
      (event) => isCurrent() && this.#onBroadcast(event),
    )
  }

  close(): void {
    this.#generation += 1
    this.#cancelRejoin?.()
    this.#leave?.()
    this.#leave = null
  }

  /** The snapshot a listener just read contains this dentist's events up to `seq`. */
  baseline(dentistId: string, seq: number): void {
    this.cursor.baseline(dentistId, seq)
  }

  #onState(state: ChannelState): void {
    if (state === 'SUBSCRIBED') return this.#onJoined()
    this.#setStatus('down')
    // CHANNEL_ERROR and TIMED_OUT are retried by supabase-js itself; CLOSED is final.
    if (state === 'CLOSED') this.#rejoinLater()
  }

  #onJoined(): void {
    this.#failures = 0
    this.#setStatus('live')
    for (const listener of this.#listeners) listener.onResync?.()
    const { lastId } = this.cursor
    if (lastId !== null) void this.#recover(lastId, null)
  }

  #rejoinLater(): void {
    const delay = REJOIN_DELAYS[Math.min(this.#failures, REJOIN_DELAYS.length - 1)] as number
    this.#failures += 1
    this.#leave = null // it has left already
    this.#cancelRejoin = this.#ports.later(() => this.open(), delay)
  }

  #onBroadcast(event: ChairtimeEvent): void {
    const verdict = this.cursor.take(event)
    if (verdict.kind === 'duplicate') return
    this.#emit(event)
    if (verdict.kind === 'fresh') return
    if (verdict.after === null) for (const listener of this.#listeners) listener.onResync?.()
    else void this.#recover(verdict.after, event.event_id)
  }

  /**
   * Fetches what follows `after`. `events_since` holds back rows that an older open transaction may still precede,
   * so a recovery up to a known event asks again a few times, and gives up into a resync.
   */
  async #recover(after: number, upTo: number | null): Promise<void> {
    this.#recovering += 1
    this.#setStatus('recovering')
    const complete = await this.#fetchThrough(after, upTo)
    this.#recovering -= 1
    if (!complete) for (const listener of this.#listeners) listener.onResync?.()
    if (this.#recovering === 0 && this.status === 'recovering') this.#setStatus('live')
  }

  async #fetchThrough(start: number, upTo: number | null): Promise<boolean> {
    let after = start
    for (const delay of RECOVERY_DELAYS) {
      if (delay) await new Promise<void>((resolve) => this.#ports.later(resolve, delay))
      const events = await this.#ports.since(this.topic, after, PAGE).catch(() => null)
      if (events === null) continue
      for (const event of events) if (this.cursor.recover(event)) this.#emit(event)
      after = events.at(-1)?.event_id ?? after
      if (events.length === PAGE) return false
      if (upTo === null || after >= upTo) return true
    }
    return false
  }

  #emit(event: ChairtimeEvent): void {
    for (const listener of this.#listeners) listener.onEvent?.(event)
  }

  #setStatus(status: FeedStatus): void {
    if (this.status === status) return
    this.status = status
    this.#onStatus()
  }
}
