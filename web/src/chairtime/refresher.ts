/** A transaction often announces several changes: this long they are gathered into one refetch. */
const GATHER = 40

/**
 * Refetches because of events: one fetch at a time, each begun after the last event it is to show. A stream of
 * events therefore never keeps the fetch that answers it from coming to an end.
 */
export class Refresher {
  readonly #fetch: () => Promise<unknown>
  #timer: ReturnType<typeof setTimeout> | undefined
  #isFetching = false
  #isStale = false
  #lookers = 0

  constructor(fetch: () => Promise<unknown>) {
    this.#fetch = fetch
  }

  /** Something has changed. */
  request = (): void => {
    this.#isStale = true
    if (!this.#isFetching) this.#timer ??= setTimeout(() => void this.#run(), GATHER)
  }

  /** Somebody looks; what is returned says that they do not any more. After the last of them nothing is fetched. */
  look = (): (() => void) => {
    this.#lookers += 1
    return () => {
      this.#lookers -= 1
      if (this.#lookers === 0) this.#stop()
    }
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isStale = false
  }

  async #run(): Promise<void> {
    this.#timer = undefined
    this.#isFetching = true
    this.#isStale = false
    // A failed fetch is the query's to show.
    await this.#fetch().catch(() => {})
    this.#isFetching = false
    if (this.#isStale) this.request()
  }
}
