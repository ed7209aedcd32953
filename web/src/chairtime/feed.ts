import { type ChairtimeEvent, Cursor } from './events'

/** What a channel tells about itself, in the words of supabase-js; READY: from now on the server hears the database. */
export type ChannelState = 'SUBSCRIBED' | 'READY' | 'CHANNEL_ERROR' | 'TIMED_OUT' | 'CLOSED'
/** `live`: joined, and nothing that happened is missing. `recovering`: joined, and that is not known yet. */
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
  /** The channel has just been (re)joined, there was news for too many, or a gap could not be closed: read a fresh snapshot. */
  onResync?(): void
}

const PAGE = 200
const RECOVERY_DELAYS = [0, 150, 400, 1000, 2500]
/** How long a server that never says READY is waited for: older ones do not. */
const READY_PATIENCE = 5000
/** After so long a log that could not be read is asked again. */
const RETRY_DELAY = 5000
const REJOIN_DELAYS = [500, 1000, 2000, 5000, 10_000]

/**
 * One topic's events, repaired: broadcasts are hints delivered at most once, so duplicates are dropped, a jump in
 * `dentist_seq` is filled from `events_since`, and every join ends in a resync. A join is answered before the server hears
 * the database, and what is committed in between comes to nobody: the resync waits until the server says that it does.
 * Nothing here runs on an interval.
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
  #isJoined = false
  #isReady = false
  #cancelPatience: (() => void) | null = null
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
    // Who comes late has missed what made the others read a snapshot.
    if (this.#isJoined) listener.onResync?.()
    return () => this.#listeners.delete(listener)
  }

  open(): void {
    this.#cancelRejoin?.()
    this.#lose()
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
    this.#lose()
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
    if (state === 'READY') return this.#onReady()
    this.#lose()
    this.#setStatus('down')
    // CHANNEL_ERROR and TIMED_OUT are retried by supabase-js itself; CLOSED is final.
    if (state === 'CLOSED') this.#rejoinLater()
  }

  #onJoined(): void {
    this.#lose()
    this.#failures = 0
    this.#isJoined = true
    this.#cancelPatience = this.#ports.later(() => this.#onReady(), READY_PATIENCE)
    this.#showStatus()
  }

  #onReady(): void {
    if (!this.#isJoined || this.#isReady) return
    this.#cancelPatience?.()
    this.#isReady = true
    this.#catchUp()
  }

  #lose(): void {
    this.#cancelPatience?.()
    this.#isJoined = false
    this.#isReady = false
  }

  /** A fresh snapshot for those who show a state, the events for those who tell a story. */
  #catchUp(): void {
    this.#resync()
    const { lastId } = this.cursor
    if (lastId === null) this.#showStatus()
    else void this.#recover(lastId, null)
  }

  #rejoinLater(): void {
    const delay = REJOIN_DELAYS[Math.min(this.#failures, REJOIN_DELAYS.length - 1)] as number
    this.#failures += 1
    this.#leave = null // it has left already
    this.#cancelRejoin = this.#ports.later(() => this.open(), delay)
  }

  #onBroadcast(event: ChairtimeEvent): void {
    if (isHint(event)) return this.#catchUp()
    const verdict = this.cursor.take(event)
    if (verdict.kind === 'duplicate') return
    this.#emit(event)
    if (verdict.kind === 'fresh') return
    if (verdict.after === null) this.#resync()
    else void this.#recover(verdict.after, event.event_id)
  }

  /**
   * Fetches what follows `after`. `events_since` holds back rows that an older open transaction may still precede,
   * so a recovery up to a known event asks again a few times, and gives up into a resync. While the log cannot be read
   * at all, nobody knows what is missing: it is asked again later.
   */
  async #recover(after: number, upTo: number | null): Promise<void> {
    const generation = this.#generation
    this.#recovering += 1
    this.#showStatus()
    const outcome = await this.#fetchThrough(after, upTo)
    if (outcome !== 'complete') this.#resync()
    if (outcome === 'unknown') await this.#pause(RETRY_DELAY)
    this.#recovering -= 1
    if (generation !== this.#generation) return
    if (outcome === 'unknown' && this.#isReady) void this.#recover(after, upTo)
    else this.#showStatus()
  }

  async #fetchThrough(start: number, upTo: number | null): Promise<'complete' | 'incomplete' | 'unknown'> {
    let after = start
    let answers = 0
    for (const delay of RECOVERY_DELAYS) {
      if (delay) await this.#pause(delay)
      const events = await this.#ports.since(this.topic, after, PAGE).catch(() => null)
      if (events === null) continue
      answers += 1
      for (const event of events) if (this.cursor.recover(event)) this.#emit(event)
      after = events.at(-1)?.event_id ?? after
      if (events.length === PAGE) return 'incomplete'
      if (upTo === null || after >= upTo) return 'complete'
    }
    return answers ? 'incomplete' : 'unknown'
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#ports.later(resolve, milliseconds))
  }

  #resync(): void {
    for (const listener of this.#listeners) listener.onResync?.()
  }

  #emit(event: ChairtimeEvent): void {
    for (const listener of this.#listeners) listener.onEvent?.(event)
  }

  #showStatus(): void {
    if (this.#isJoined) this.#setStatus(this.#isReady && this.#recovering === 0 ? 'live' : 'recovering')
  }

  #setStatus(status: FeedStatus): void {
    if (this.status === status) return
    this.status = status
    this.#onStatus()
  }
}

/** One transaction had more news than broadcasts: each topic is told once to look for itself. */
function isHint(event: { event: string }): boolean {
  return event.event === 'resync'
}
