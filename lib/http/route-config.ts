import type { FastifyContextConfig, FastifyRequest } from 'fastify'

/** Reads what the route of a request says in `config`. */
export type ReadConfig = (request: FastifyRequest) => FastifyContextConfig

/** What a request holds under a symbol of Fastify's own, and `request.routeOptions` is made of. */
interface Context {
  readonly config: FastifyContextConfig
}

/**
 * Makes what reads the config of routes.
 *
 * `request.routeOptions` makes an object of twelve fields each time it is asked, which takes longer than to find a key. So the config is read
 * where it is taken from, if at the first request it is found there; in a version of Fastify that keeps it elsewhere, `routeOptions` is asked.
 */
export function createConfigReader (): ReadConfig {
  let source: symbol | null = null
  let isSought = false
  return (request) => {
    if (source !== null) return contextOf(request, source).config
    const { config } = request.routeOptions
    if (!isSought) source = findSource(request, config)
    isSought = true
    return config
  }
}

function findSource (request: FastifyRequest, config: FastifyContextConfig): symbol | null {
  const source = Object.getOwnPropertySymbols(request).find(({ description }) => description === 'fastify.context')
  return source !== undefined && contextOf(request, source)?.config === config ? source : null
}

/** The types of Fastify say nothing of its symbols. */
function contextOf (request: FastifyRequest, source: symbol): Context {
  return (request as unknown as Readonly<Record<symbol, Context>>)[source] as Context
}
