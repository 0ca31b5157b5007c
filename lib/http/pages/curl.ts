import type { FastifyRequest, RouteOptions } from 'fastify'
import type { Rule } from '../rule.js'

/** A route to try a key on. */
export interface Example {
  readonly path: string
  /** The scopes that the route asks for and the key does not have; mostly none. */
  readonly missing: readonly string[]
}

/** Remembers the routes that a key opens and that can be called as they stand, as examples for the page that shows a new key. */
export class ExampleRoutes {
  readonly #routes: { readonly path: string, readonly scopes: readonly string[] }[] = []

  /** Looks at each route when it is added. */
  consider (route: RouteOptions, rule: Rule): void {
    const isReading = [route.method].flat().includes('GET')
    const isHidden = route.schema !== undefined && 'hide' in route.schema && route.schema.hide === true
    if (rule !== 'open' && isReading && !isHidden && !/[:*]/.test(route.url)) this.#routes.push({ path: route.url, scopes: typeof rule === 'string' ? [] : rule })
  }

  /** The first route that these scopes open; or the first of all, with what is missing; `/` when there is none. */
  find (scopes: readonly string[]): Example {
    const lacks = (wanted: readonly string[]) => wanted.filter((scope) => !scopes.includes(scope))
    const { path, scopes: wanted } = this.#routes.find((route) => lacks(route.scopes).length === 0) ?? this.#routes[0] ?? { path: '/', scopes: [] }
    return { path, missing: lacks(wanted) }
  }
}

/**
 * Writes a command that uses a key, for a POSIX shell.
 *
 * @param header the header that carries keys
 */
export function toCurl (request: FastifyRequest, header: string, secret: string, path: string): string {
  const value = header.toLowerCase() === 'authorization' ? `Bearer ${secret}` : secret
  return `curl -H ${quote(`${header}: ${value}`)} ${quote(`${request.protocol}://${request.host}${path}`)}`
}

/** Quotes what a shell could take for something else. A quote that is not needed may stand alone on a line where there is little room. */
function quote (text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
