import type { ClientConfig, Pool, PoolConfig } from 'pg'
import { DriverMissingError } from '../../errors.js'
import { POOL_TIMEOUTS } from './connections.js'

/** A connection that breaks without a word is found out by the operating system too. */
const COMMON = { keepAlive: true, application_name: 'fastify-apikey' }

/** Whether a text is the URL of a PostgreSQL database. */
export function isPostgresUrl (text: string): boolean {
  if (!/^postgres(ql)?:\/\//i.test(text) || !URL.canParse(text)) return false
  // With an @ there, part of a password that was not encoded passes for host and name, which are logged.
  const { pathname, hash } = new URL(text)
  return !pathname.includes('@') && !hash.includes('@')
}

/** Whether a value is a pool of node-postgres. */
export function isPool (value: unknown): value is Pool {
  return typeof value === 'object' && value !== null && 'connect' in value && 'totalCount' in value && 'options' in value
}

/** Where a database is, for logs and errors: host, port and name, nothing else that the URL holds. */
export function describePostgres (source: string | Pool): string {
  const { connectionString, host, port, database } = typeof source === 'string' ? urlOf(source) : source.options
  const url = connectionString !== undefined && URL.canParse(connectionString) ? new URL(connectionString) : null
  const env = process.env
  const name = [url?.pathname.slice(1), database, env['PGDATABASE']].find(Boolean) ?? ''
  const at = [url?.searchParams.get('host'), url?.hostname, host, env['PGHOST']].find(Boolean) ?? 'localhost'
  return `${at}:${[url?.port, port, env['PGPORT']].find(Boolean) ?? 5432}/${name}`
}

/**
 * Loads the driver.
 *
 * @throws FST_API_KEY_DRIVER_MISSING
 */
export async function loadDriver (): Promise<Pick<typeof import('pg'), 'Client' | 'Pool'>> {
  try {
    // By the default export, since older versions of pg have no other.
    return (await import('pg')).default
  } catch {
    throw new DriverMissingError('pg', 'pg')
  }
}

/** The settings of a pool of our own. What the URL says wins. */
export function poolConfig (url: string): PoolConfig {
  return { ...COMMON, ...POOL_TIMEOUTS, connectionString: url }
}

/** The settings of the connection that listens: as the pool's, but for what would end it while it waits. */
export function listenerConfig ({ options }: Pool): ClientConfig {
  // A pool hides its password from being copied along.
  const { password } = options
  return {
    ...COMMON,
    ...options,
    ...(password !== undefined && { password }),
    application_name: `${options.application_name ?? COMMON.application_name} (listening)`,
    connectionTimeoutMillis: POOL_TIMEOUTS.connectionTimeoutMillis
  }
}

function urlOf (connectionString: string): PoolConfig {
  return { connectionString }
}
