import type { Database } from 'better-sqlite3'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'

/** A Drizzle database on a better-sqlite3 connection. */
export type SqliteDatabase = BetterSQLite3Database & { readonly $client: Database }

/**
 * Runs a step that writes, as one transaction that takes the write lock at its start, and turns what it throws into an
 * error of ours. Within a transaction of the application's it becomes a part of that.
 */
export type Write = <T>(step: () => T) => T
