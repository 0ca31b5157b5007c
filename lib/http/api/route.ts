import type { FastifyContextConfig } from 'fastify'
import { ASKED, swaggerTransform } from '../openapi.js'

/**
 * The config of a route of the API. What it asks for it finds out itself, by which it needs a key in a document, and no
 * check of the hook for all routes.
 */
export function configOf (scopes: readonly string[]): FastifyContextConfig {
  return Object.assign({ apiKey: false as const }, { [ASKED]: scopes, swaggerTransform })
}
