/** Every refusal the API can give, by its stable code. Write `switch` statements against these, never against prose. */
export const errorCodes = [
  'not_authenticated',
  'forbidden',
  'not_found',
  'slot_taken',
  'patient_busy',
  'day_full',
  'appointments_in_the_way',
  'invalid_transition',
  'reservation_expired',
  'stale_version',
  'outside_working_hours',
  'notice_too_short',
  'beyond_horizon',
  'in_the_past',
  'off_grid',
  'too_late_to_cancel',
  'idempotency_mismatch',
  'invalid_argument',
  'not_offered',
  'reservation_limit',
  'booking_limit',
  'try_again',
] as const

/** `network` means that no answer came, or only that there is no room for the question just now; `unexpected` that one came which is not in the contract. */
export type ErrorCode = (typeof errorCodes)[number] | 'network' | 'unexpected'

interface ErrorFields {
  code: ErrorCode
  message: string
  hint?: string | null
  details?: unknown
  status?: number
}

/** What every call of the client throws. `hint` says what to do next; `details` is already parsed. */
export class ChairtimeError extends Error {
  readonly code: ErrorCode
  readonly hint: string | null
  readonly details: unknown
  readonly status: number

  constructor({ code, message, hint = null, details = null, status = 0 }: ErrorFields) {
    super(message)
    this.name = 'ChairtimeError'
    this.code = code
    this.hint = hint
    this.details = details
    this.status = status
  }
}

interface PostgrestRefusal {
  code?: string | null
  message?: string | null
  hint?: string | null
  details?: unknown
}

/** Turns what PostgREST answered (or the lack of an answer, status 0) into a `ChairtimeError`. */
export function toChairtimeError(refusal: PostgrestRefusal, status: number): ChairtimeError {
  const code = codeOf(refusal.code, status)
  return new ChairtimeError({
    code,
    message:
      code === 'network' ? 'The server could not be reached.' : (refusal.message ?? 'Something went wrong.'),
    hint: refusal.hint,
    details: parsed(refusal.details),
    status,
  })
}

/** Nobody was there, or whoever stands before the API had no room just now: to be asked again. */
const NO_ANSWER = new Set([0, 429, 502, 503, 504])

function codeOf(code: string | null | undefined, status: number): ErrorCode {
  if ((errorCodes as readonly string[]).includes(code ?? '')) return code as ErrorCode
  if (NO_ANSWER.has(status)) return 'network'
  if (status === 401 || code === 'PGRST301' || code === 'PGRST303') return 'not_authenticated'
  return 'unexpected'
}

function parsed(details: unknown): unknown {
  if (typeof details !== 'string') return details ?? null
  try {
    return JSON.parse(details)
  } catch {
    return details
  }
}
