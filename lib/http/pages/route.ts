import type { FastifySchema, RouteShorthandOptions } from 'fastify'

// Known to @fastify/swagger, which may not be there.
const hidden: FastifySchema & { hide: true } = { hide: true }

/** For every route of the pages: no key is asked for, and it stays out of the application's OpenAPI document. */
export const PAGE_ROUTE = { config: { apiKey: false }, schema: hidden } as const satisfies RouteShorthandOptions
