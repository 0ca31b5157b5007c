import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { ForeignOriginError } from '../errors.js'

/** Whether a value is an origin as browsers write it in the header Origin (RFC 6454, section 6.2), of a page on the web. */
export const isOrigin = (value: unknown): value is string =>
  typeof value === 'string' && /^https?:[^*]+$/.test(value) && URL.canParse(value) && new URL(value).origin === value

/**
 * Makes a hook that refuses requests that change something and come from a page of another origin, by what browsers say about
 * that and no page can forge. Decides as CrossOriginProtection of Go's net/http does: Sec-Fetch-Site where a browser sends it,
 * or else Origin against the host that was asked. Neither is there when the caller is no browser, which has no session to abuse.
 *
 * @param trusted other origins whose pages may do what its own may
 * @returns a hook that throws FST_API_KEY_FOREIGN_ORIGIN
 */
export function refuseForeignOrigins (trusted: ReadonlySet<string> = new Set()): onRequestHookHandler {
  return (request, _reply, done) => {
    const { method, headers: { origin, 'sec-fetch-site': site }, host } = request
    if (isSafe(method) || isOwn(request) || trusted.has(origin ?? '')) return done()
    // Whose own forms are refused finds the reason here: mostly a proxy that does not pass the host on.
    request.log.info({ origin, host, site }, 'a change was refused since it came from a page of another origin')
    done(new ForeignOriginError())
  }
}

function isSafe (method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

function isOwn (request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== '') return site === 'same-origin' || site === 'none'
  const { origin } = request.headers
  return origin === undefined || origin === '' || isHost(origin, request.host)
}

/** The scheme is not compared: behind a proxy that ends TLS, this server takes its own pages for http. */
function isHost (origin: string, host: string): boolean {
  // `Origin: null` does not parse.
  if (!URL.canParse(origin)) return false
  const { protocol, host: from } = new URL(origin)
  const own = `${protocol}//${host}`
  return from !== '' && URL.canParse(own) && new URL(own).host === from
}
