import type { FastifyRequest, RouteOptions } from 'fastify'

/**
 * Remembers the first route that a key opens and that can be called as it stands, as an example for the page that shows
 * a new key.
 */
export class ExampleRoute {
  #path = '/'

  /** The path of the example; `/` when there is no better one. */
  get path (): string {
    return this.#path
  }

  /**
   * Looks at each route when it is added.
   *
   * @param isKeyed whether the route takes a key
   */
  consider (route: RouteOptions, isKeyed: boolean): void {
    const isReading = [route.method].flat().includes('GET')
    const isHidden = route.schema !== undefined && 'hide' in route.schema && route.schema.hide === true
    if (this.#path === '/' && isKeyed && isReading && !isHidden && !/[:*]/.test(route.url)) this.#path = route.url
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
