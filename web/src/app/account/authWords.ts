import type { AuthError } from '@supabase/supabase-js'

const TOO_MANY = 429
const SERVER_ERROR = 500

/** What Auth refuses, in words. What a server says of its own trouble is not for the person in front of it. */
export function wordsFor({ code, status, message }: AuthError): string {
  switch (code) {
    case 'invalid_credentials':
      return 'This email and password do not belong together.'
    case 'user_already_exists':
    case 'email_exists':
      return 'There already is an account with this email. Sign in instead.'
    case 'weak_password':
      return 'Please choose a longer password.'
    case 'same_password':
      return 'This is the password you have. Choose another one.'
    case 'email_not_confirmed':
      return 'Please open the link in the email we sent you first.'
  }
  if (status === TOO_MANY) return 'Too many attempts. Wait a minute and try again.'
  if (!status || status >= SERVER_ERROR) {
    return 'No connection. Check your network, or try again in a moment.'
  }
  return message
}

/** The answer, or the refusal as an error in words. */
export function settled<A extends { data: unknown; error: AuthError | null }>(
  answer: A,
): Extract<A, { error: null }>['data'] {
  if (answer.error) throw new Error(wordsFor(answer.error))
  return answer.data
}
