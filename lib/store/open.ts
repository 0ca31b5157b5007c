import { resolve } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { Pool } from 'pg'
import type { Store } from './store.js'
import type { SqliteDatabase } from './sqlite/database.js'
import { openSqliteStore } from './sqlite/open.js'
import { describePostgres, isPool, isPostgresUrl, type PostgresDrizzle, type PostgresPool } from './postgres/connecting.js'
import type { ListenerLog } from './postgres/listening.js'
import { openPostgresStore } from './postgres/open.js'

/** What the option `database` takes. Whatever is not a string belongs to the application, which also closes it. */
export type DatabaseOption = string | Database | SqliteDatabase | PostgresPool | PostgresDrizzle

/** What a store reports to while it is open. */
export type StoreLog = ListenerLog

/** The options that concern the database. */
export interface StoreSettings {
  readonly database: DatabaseOption
  /** The PostgreSQL schema of the tables; undefined for the default of the connection. */
  readonly schema: string | undefined
  /** Whether to bring the tables up to date, or only to check that they are there. */
  readonly migrate: boolean
}

/** The SQLite file when nothing is said, in the working directory. */
export const DEFAULT_DATABASE = 'apikeys.db'

/** What the option `database` may be, in words. */
export const DATABASE_FORMS = "a path to a SQLite file, ':memory:', a better-sqlite3 Database, a postgres:// URL, a pg.Pool, or a Drizzle database on one of them"

/** Whether a value can be the option `database`. */
export function isDatabase (value: unknown): value is DatabaseOption {
  if (typeof value === 'string') return value === ':memory:' || isPostgresUrl(value) || isPath(value)
  const client = clientOf(value)
  return isConnection(client) || isPool(client)
}

/** Whether a database is PostgreSQL. */
export function isPostgres (database: DatabaseOption): boolean {
  return postgresOf(database) !== null
}

/**
 * Where a database is, for the log: the absolute path of a file; host, port and name of a server; or that the application
 * brought it.
 */
export function describeDatabase (database: DatabaseOption): string {
  const postgres = postgresOf(database)
  const where = postgres === null ? nameOf(database) : describePostgres(postgres)
  return typeof database === 'string' ? where : `the application's own (${where})`
}

/**
 * Opens the store behind the option `database`.
 *
 * @throws FST_API_KEY_CANNOT_OPEN, FST_API_KEY_CANNOT_MIGRATE, FST_API_KEY_SCHEMA_MISSING or FST_API_KEY_DRIVER_MISSING
 */
export function openStore ({ database, schema, migrate }: StoreSettings, log: StoreLog): Promise<Store> {
  const postgres = postgresOf(database)
  if (postgres !== null) return openPostgresStore(postgres, { migrates: migrate, schema, log })
  const client = clientOf(database)
  return openSqliteStore(isConnection(client) ? client : nameOf(database), migrate)
}

function isPath (text: string): boolean {
  // An URL of a database that is not supported must not become a file of that name.
  return text.trim() !== '' && !text.includes('\0') && !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}

function postgresOf (database: DatabaseOption): string | Pool | null {
  if (typeof database === 'string') return isPostgresUrl(database) ? database : null
  const client = clientOf(database)
  return isPool(client) ? client : null
}

/** The name of a SQLite database. */
function nameOf (database: DatabaseOption): string {
  const client = clientOf(database)
  if (isConnection(client)) return client.name
  return client === ':memory:' ? client : resolve(String(client))
}

/** What a Drizzle database is on, or the value itself. */
function clientOf (value: unknown): unknown {
  return typeof value === 'object' && value !== null && '$client' in value ? value.$client : value
}

function isConnection (value: unknown): value is Database {
  return typeof value === 'object' && value !== null && 'prepare' in value && 'pragma' in value && 'transaction' in value
}
