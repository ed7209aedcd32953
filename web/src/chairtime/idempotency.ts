import { ChairtimeError } from './errors'

const ATTEMPTS = 3
/** Milliseconds before the second attempt; before the third, twice as long. */
const PAUSE = 300

/**
 * Calls with a fresh idempotency key, and again with the same key when no answer came: the server then either
 * does it for the first time or repeats its first answer, so nothing is booked twice.
 */
export async function idempotent<T>(call: (idempotencyKey: string) => Promise<T>): Promise<T> {
  const key = newKey()
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(key)
    } catch (error) {
      const isLost = error instanceof ChairtimeError && error.code === 'network'
      if (!isLost || attempt === ATTEMPTS) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE * attempt))
  }
}

function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
