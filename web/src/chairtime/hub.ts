import type { RealtimeChannel, SupabaseClient } from '@supabase/supabase-js'
import type { ChairtimeEvent } from './events'
import { type ChannelState, Feed, type FeedListener, type FeedPorts, type FeedStatus } from './feed'

/** `idle`: nothing is subscribed. `offline`: the browser has no network. The others are the worst of all open topics. */
export type ConnectionStatus = FeedStatus | 'idle' | 'offline'

const LINGER = 1000
const WORST_FIRST: FeedStatus[] = ['down', 'connecting', 'recovering', 'live']

/** Shares one channel per topic among all listeners, and knows how the connection is doing. */
export class Hub {
  readonly #feeds = new Map<string, Feed>()
  readonly #watchers = new Set<() => void>()
  readonly #ports: FeedPorts
  /** Outside browsers nothing tells. */
  #online = globalThis.navigator?.onLine !== false

  constructor(ports: FeedPorts) {
    this.#ports = ports
  }

  /** Listens on a topic; the channel is left a second after its last listener went, so that a remount keeps it. */
  listen(topic: string, listener: FeedListener): () => void {
    const feed = this.#feeds.get(topic) ?? this.#start(topic)
    const stop = feed.listen(listener)
    return () => {
      stop()
      this.#ports.later(() => this.#closeIfUnused(feed), LINGER)
    }
  }

  /** See `Feed.baseline`. */
  baseline(topic: string, dentistId: string, seq: number): void {
    this.#feeds.get(topic)?.baseline(dentistId, seq)
  }

  setOnline(online: boolean): void {
    this.#online = online
    this.#notify()
  }

  get status(): ConnectionStatus {
    if (!this.#online) return 'offline'
    const states = [...this.#feeds.values()].filter((feed) => feed.inUse).map((feed) => feed.status)
    return WORST_FIRST.find((status) => states.includes(status)) ?? 'idle'
  }

  /** Calls back whenever `status` may have changed. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  #start(topic: string): Feed {
    const feed = new Feed(topic, this.#ports, () => this.#notify())
    this.#feeds.set(topic, feed)
    feed.open()
    this.#notify()
    return feed
  }

  #closeIfUnused(feed: Feed): void {
    if (feed.inUse || this.#feeds.get(feed.topic) !== feed) return
    this.#feeds.delete(feed.topic)
    feed.close()
    this.#notify()
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

/** The server is to say when it hears the database: it answers a join before. */
const READY_WANTED = { replication_ready: true }

interface SystemMessage {
  extension?: string
  status?: string
}

function isReady({ extension, status }: SystemMessage): boolean {
  return extension === 'system' && status === 'ok'
}

/** The ports as they really are: private broadcast channels of supabase-js. */
export function supabasePorts(supabase: SupabaseClient<any, any, any>, since: FeedPorts['since']): FeedPorts {
  // A topic that is being left must be gone before it can be joined again: supabase-js keeps one channel a topic.
  const leaving = new Map<string, Promise<void>>()
  return {
    since,
    later: (task, milliseconds) => {
      const timer = setTimeout(task, milliseconds)
      return () => clearTimeout(timer)
    },
    join: (topic, onState, onEvent) => {
      let channel: RealtimeChannel | null = null
      let left = false
      const start = async () => {
        await leaving.get(topic)
        // The first join of a fresh client may omit the session's token unless it is set before.
        await supabase.realtime.setAuth()
        if (left) return
        channel = supabase.channel(topic, { config: { private: true, broadcast: READY_WANTED } })
        channel
          .on('system', {}, (message: SystemMessage) => isReady(message) && onState('READY'))
          .on('broadcast', { event: '*' }, ({ payload }) => onEvent(payload as ChairtimeEvent))
          .subscribe((state) => onState(state as ChannelState))
      }
      void start()
      return () => {
        left = true
        if (!channel) return
        const removal = supabase.removeChannel(channel).then(() => {
          if (leaving.get(topic) === removal) leaving.delete(topic)
        })
        leaving.set(topic, removal)
      }
    },
  }
}

/** Tells the hub about the browser's network, and hurries the socket along when it is back. */
export function watchNetwork(hub: Hub, supabase: SupabaseClient<any, any, any>): () => void {
  const offline = () => hub.setOnline(false)
  const online = () => {
    hub.setOnline(true)
    // The old socket may be half open; a new one makes every channel join again, and every join resyncs.
    void supabase.realtime.disconnect().then(() => supabase.realtime.connect())
  }
  window.addEventListener('offline', offline)
  window.addEventListener('online', online)
  return () => {
    window.removeEventListener('offline', offline)
    window.removeEventListener('online', online)
  }
}
