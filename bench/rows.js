/**
 * What is measured, one server each.
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {string} server the file in servers/
 * @property {object} options what that file is told
 * @property {string} header the header that carries the credential
 * @property {'good' | 'mistyped' | 'unknown' | 'postgres' | 'own'} credentials which keys of the fixture are sent, or those that the server issues itself
 * @property {number} status the answer that is expected; any other makes the row invalid
 */

const OURS = 'X-Api-Authorization'

/** @type {readonly Row[]} */
export const rows = [
  { id: 'bare', title: 'bare Fastify', server: 'bare', options: {}, header: OURS, credentials: 'good', status: 200 },
  { id: 'header', title: 'a hook that reads the header', server: 'header', options: {}, header: OURS, credentials: 'good', status: 200 },
  { id: 'digest', title: 'a hook that computes the header\'s SHA-256', server: 'digest', options: {}, header: OURS, credentials: 'good', status: 200 },
  { id: 'warm', title: 'fastify-apikey, warm cache', server: 'apikey', options: {}, header: OURS, credentials: 'good', status: 200 },
  { id: 'postgres', title: 'fastify-apikey on PostgreSQL, warm cache', server: 'apikey', options: {}, header: OURS, credentials: 'postgres', status: 200 },
  { id: 'cacheoff', title: 'fastify-apikey, cache off', server: 'apikey', options: { cache: false }, header: OURS, credentials: 'good', status: 200 },
  { id: 'mistyped', title: 'fastify-apikey, refusing mistyped keys', server: 'apikey', options: {}, header: OURS, credentials: 'mistyped', status: 401 },
  { id: 'unknown', title: 'fastify-apikey, refusing unknown keys', server: 'apikey', options: {}, header: OURS, credentials: 'unknown', status: 401 },
  { id: 'bearer-1', title: '@fastify/bearer-auth, 1 static key', server: 'bearer', options: { keys: 1 }, header: 'Authorization', credentials: 'own', status: 200 },
  { id: 'bearer-100', title: '@fastify/bearer-auth, 100 static keys', server: 'bearer', options: { keys: 100 }, header: 'Authorization', credentials: 'own', status: 200 },
  { id: 'jwt', title: '@fastify/jwt, HS256, 10,000 tokens', server: 'jwt', options: { tokens: 10_000 }, header: 'Authorization', credentials: 'own', status: 200 },
  { id: 'better-auth', title: 'better-auth API keys on SQLite, 2,000 keys', server: 'better-auth', options: { keys: 2000, isTuned: false }, header: 'X-Api-Key', credentials: 'own', status: 200 },
  { id: 'better-auth-tuned', title: 'the same in WAL mode without its rate limit', server: 'better-auth', options: { keys: 2000, isTuned: true }, header: 'X-Api-Key', credentials: 'own', status: 200 }
]
