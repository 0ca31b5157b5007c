import type { FastifyRequest } from 'fastify'
import { isMeantAsKey } from '../keys/secret.js'

/**
 * Finds the text that is meant as a key in one header of a request: null when the header is absent, empty when it is there
 * but cannot be a key, for instance because it was sent twice.
 */
export type ReadHeader = (request: FastifyRequest) => string | null

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
  // What every object has, `constructor` for one, would be found in headers that do not hold it.
  return typeof value === 'string' && TOKEN.test(value) && !TAKEN.has(value.toLowerCase()) && !(value.toLowerCase() in Object.prototype)
}

/**
 * Makes the function that reads a header which may carry the key. In `Authorization`, another scheme than Bearer, or a
 * value that is not meant as one of our keys, counts as absent.
 *
 * @param prefixes the first parts of the application's keys
 */
export function createHeaderReader (name: string, prefixes: readonly string[]): ReadHeader {
  return isAuthorization(name) ? bearerReader(prefixes) : plainReader(name.toLowerCase())
}

export function isAuthorization (name: string): boolean {
  return name.toLowerCase() === 'authorization'
}

function plainReader (name: string): ReadHeader {
  return (request) => {
    const value = request.headers[name]
    if (value === undefined) return null
    // Node joins a repeated header with a comma, which no key contains.
    return typeof value === 'string' ? value : ''
  }
}

function bearerReader (prefixes: readonly string[]): ReadHeader {
  return (request) => {
    const value = request.headers.authorization
    if (value === undefined) return null
    if (isRepeated(request)) return ''
    const secret = /^Bearer +([^ ]+)$/i.exec(value)?.[1]
    return secret !== undefined && isMeantAsKey(secret, prefixes) ? secret : null
  }
}

/** Whether Authorization was sent more than once, of which Node keeps the first and drops the others. */
function isRepeated (request: FastifyRequest): boolean {
  // Names and values in turn.
  return request.raw.rawHeaders.filter((name, i) => i % 2 === 0 && isAuthorization(name)).length > 1
}
