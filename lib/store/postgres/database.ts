import { PgSchema } from 'drizzle-orm/pg-core'
import type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy'
import type { Change } from '../store.js'
import { createTables } from './schema.js'

/** A Drizzle database that runs its statements on connections of ours, which bound them. */
export type PostgresDatabase = PgRemoteDatabase

/** The tables in the PostgreSQL schema that they live in. */
export type Tables = ReturnType<typeof tablesIn>

/** What the verbs of the store work with. */
export interface Context {
  readonly tables: Tables
  /** Runs each statement by itself, on whichever connection is free. */
  readonly db: PostgresDatabase
  /** The same for statements that change something, which look-ups must not crowd out. */
  readonly changes: PostgresDatabase
  /** Runs a step as one transaction on one connection. It may run again, when it got in the way of another. */
  readonly transaction: <T>(step: (db: PostgresDatabase) => Promise<T>) => Promise<T>
  /** Tells this process's caches of a change, which must not wait until the database announces it. */
  readonly tell: (change: Change) => void
}

/** The tables of a PostgreSQL schema, always named with it, so that no search path decides what is asked. */
export function tablesIn (schema: string) {
  // `pgSchema` refuses the name public, which it takes for the default of every connection.
  return createTables(new PgSchema(schema).table)
}
