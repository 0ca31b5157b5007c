import { isAuthorization } from './header.js'

/** Why a request is refused, in the words of RFC 6750, section 3.1; null when it carries no key. */
export type ChallengeError = 'invalid_token' | 'insufficient_scope' | null

/** Makes the value of WWW-Authenticate (RFC 9110, section 11.6.1). */
export type Challenge = (error: ChallengeError, header: number | null, scopes?: readonly string[]) => string

/**
 * Makes the function that writes the challenge, which names every header that may carry the key. For Authorization it is
 * RFC 6750's Bearer, with an error code when that header decided; for others it is
 * `ApiKey realm="…", header="…"`.
 *
 * @param names the headers in order
 * @param realm printable ASCII without quotes and backslashes
 */
export function createChallenge (names: readonly string[], realm: string): Challenge {
  const schemes = names.map((name) => isAuthorization(name)
    ? { isBearer: true, text: `Bearer realm="${realm}"` }
    : { isBearer: false, text: `ApiKey realm="${realm}", header="${name}"` })

  return (error, header, scopes) => schemes.map(({ isBearer, text }, i) => {
    const isTold = error !== null && i === header && (isBearer || error === 'insufficient_scope')
    if (!isTold) return text
    return `${text}, error="${error}"` + (scopes === undefined ? '' : `, scope="${scopes.join(' ')}"`)
  }).join(', ')
}
