import type { FastifyRequest } from 'fastify'
import { isMeantAsKey } from '../keys/secret.js'

/** What a request's headers say: the text that is meant as a key, and the index of the header it came in. */
export interface Credential {
  /** Empty when the header is there but cannot be a key, for instance because it was sent twice. */
  readonly secret: string
  readonly header: number
}

/** Finds the credential of a request; null when it carries none. */
export type ReadCredential = (request: FastifyRequest) => Credential | null

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Headers that HTTP, Node or browsers give a meaning of their own, or of which Node keeps only the first. */
const TAKEN = new Set([
  'age', 'connection', 'content-length', 'content-type', 'cookie', 'date', 'etag', 'expect', 'expires', 'from', 'host',
  'if-modified-since', 'if-unmodified-since', 'keep-alive', 'last-modified', 'location', 'max-forwards', 'origin',
  'proxy-authorization', 'referer', 'retry-after', 'server', 'set-cookie', 'te', 'trailer', 'transfer-encoding',
  'upgrade', 'user-agent'
])

/** Whether a value can be one of the headers that carry the key. */
export function isHeaderName (value: unknown): value is string {
  return typeof value === 'string' && TOKEN.test(value) && !TAKEN.has(value.toLowerCase())
}

/**
 * Makes the function that finds the key in a request. The first header that is present decides. In `Authorization`,
 * another scheme than Bearer, or a value that is not meant as one of our keys, counts as absent.
 *
 * @param names the headers in order
 * @param prefixes the first parts of the application's keys
 */
export function createReader (names: readonly string[], prefixes: readonly string[]): ReadCredential {
  const readers = names.map((name, header) => name.toLowerCase() === 'authorization'
    ? bearerReader(header, prefixes)
    : plainReader(name.toLowerCase(), header))
  const [only] = readers
  if (readers.length === 1 && only !== undefined) return only
  return (request) => {
    for (const read of readers) {
      const credential = read(request)
      if (credential !== null) return credential
    }
    return null
  }
}

function plainReader (name: string, header: number): ReadCredential {
  return (request) => {
    const value = request.headers[name]
    if (value === undefined) return null
    // Node joins a repeated header with a comma, which no key contains.
    return { secret: typeof value === 'string' ? value : '', header }
  }
}

function bearerReader (header: number, prefixes: readonly string[]): ReadCredential {
  return (request) => {
    const value = request.headers.authorization
    if (value === undefined) return null
    const secret = /^Bearer +([^ ]+)$/i.exec(value)?.[1]
    if (secret === undefined || !isMeantAsKey(secret, prefixes)) return null
    return { secret: isRepeated(request) ? '' : secret, header }
  }
}

/** Whether Authorization was sent more than once, of which Node keeps the first and drops the others. */
function isRepeated (request: FastifyRequest): boolean {
  const { rawHeaders } = request.raw
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'authorization') count++
  return count > 1
}
