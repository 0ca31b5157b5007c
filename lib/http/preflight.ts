import type { FastifyRequest, RouteOptions } from 'fastify'

/*
 * A CORS preflight never carries a key, so it must pass, or @fastify/cors registered after this plugin could not answer
 * it. But one that would reach the handler of a route that is not for OPTIONS alone (`app.all`) would run it without a
 * key. Such a route gets a hook of its own, behind all others, where the preflight ends that nobody answered.
 */

const kGuarded = Symbol('fastify-apikey.preflight-guarded')

/** Whether a request is a CORS preflight, as the Fetch standard defines it. */
export function isPreflight (request: FastifyRequest): boolean {
  return request.method === 'OPTIONS' &&
    request.headers.origin !== undefined && request.headers['access-control-request-method'] !== undefined
}

/** Marks a route whose handler a preflight would reach as having the hook that stops it there. */
export function markGuarded (route: RouteOptions): void {
  // A new object, since one may be shared by several routes.
  route.config = Object.assign({}, route.config, { [kGuarded]: true })
}

/** Whether a route answers OPTIONS and other methods with the same handler. */
export function isMixed (method: string | readonly string[] | undefined): boolean {
  return Array.isArray(method) && method.includes('OPTIONS') && method.length > 1
}

/** Whether a preflight may pass the hook: it ends at a route for OPTIONS alone, or at the hook behind the others. */
export function mayPass (request: FastifyRequest): boolean {
  const { method, config } = request.routeOptions
  return [method].flat().join() === 'OPTIONS' || kGuarded in config
}
