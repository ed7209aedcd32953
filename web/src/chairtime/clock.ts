/**
 * The server's time, kept without trusting the visitor's clock: each answer that carries `server_now`
 * sets the offset to the page's monotonic timer, which no change of the system time can move.
 */
export class ServerClock {
  #offset: number | null = null
  readonly #monotonic: () => number

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic
  }

  /** Takes the time from an answer: an ISO timestamp. */
  set(serverNow: string): void {
    this.#offset = Date.parse(serverNow) - this.#monotonic()
  }

  /** Milliseconds since the epoch, by the server's clock as far as it is known. */
  now(): number {
    return this.#offset === null ? Date.now() : this.#offset + this.#monotonic()
  }
}
