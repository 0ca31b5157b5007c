import Fastify from 'fastify'
import { apiKey } from './package.js'

/** Keys of one user. */
export const KEYS_OF_A_USER = 10

/**
 * An application with the plugin and nothing else.
 *
 * @param {import('../lib/index.js').DatabaseOption} database
 * @param {Pick<import('../lib/index.js').ApiKeyOptions, 'cache'>} [options]
 */
export async function open (database, options) {
  const app = Fastify()
  await app.register(apiKey, { database, pages: false, ...options })
  return app
}

/**
 * What `createMany` takes: ten keys for each of many users.
 *
 * @param {number} size
 * @param {number} [first] number of the first key
 */
export function batch (size, first = 0) {
  return Array.from({ length: size }, (_, i) => ({ userId: `user-${Math.floor((first + i) / KEYS_OF_A_USER)}`, name: `key ${first + i}` }))
}
