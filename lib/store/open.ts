import { resolve } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { Store } from './store.js'
import type { SqliteDatabase } from './sqlite/database.js'
import { openSqliteStore } from './sqlite/open.js'

/** What the option `database` takes. Whatever is not a string belongs to the application, which also closes it. */
export type DatabaseOption = string | Database | SqliteDatabase

/** The SQLite file when nothing is said, in the working directory. */
export const DEFAULT_DATABASE = 'apikeys.db'

/** What the option `database` may be, in words. */
export const DATABASE_FORMS = "a path to a SQLite file, ':memory:', a better-sqlite3 Database or a Drizzle database on one"

/** Whether a value can be the option `database`. */
export function isDatabase (value: unknown): value is DatabaseOption {
  if (typeof value === 'string') return value === ':memory:' || isPath(value)
  return isConnection(value) || isDrizzle(value)
}

/**
 * Where a database is, for the log: the absolute path of a file, or that the application brought it.
 */
export function describeDatabase (database: DatabaseOption): string {
  if (typeof database !== 'string') return `the application's own (${clientOf(database).name})`
  return database === ':memory:' ? database : resolve(database)
}

/**
 * Opens the store behind the option `database`.
 *
 * @param migrates whether to bring the tables up to date, or only to check that they are there
 * @throws FST_API_KEY_CANNOT_OPEN, FST_API_KEY_SCHEMA_MISSING or FST_API_KEY_DRIVER_MISSING
 */
export function openStore (database: DatabaseOption, migrates: boolean): Promise<Store> {
  if (typeof database !== 'string') return openSqliteStore(clientOf(database), migrates)
  return openSqliteStore(database === ':memory:' ? database : resolve(database), migrates)
}

function isPath (text: string): boolean {
  // An URL of a database that is not supported must not become a file of that name.
  return text.trim() !== '' && !text.includes('\0') && !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)
}

function clientOf (database: Database | SqliteDatabase): Database {
  return isDrizzle(database) ? database.$client : database
}

function isDrizzle (value: unknown): value is SqliteDatabase {
  return typeof value === 'object' && value !== null && '$client' in value && isConnection(value.$client)
}

function isConnection (value: unknown): value is Database {
  return typeof value === 'object' && value !== null && 'prepare' in value && 'pragma' in value && 'transaction' in value
}
