import { eq, or, sql } from 'drizzle-orm'
import type { AccessRow } from '../rows.js'
import { accessColumns, selectKeys } from './columns.js'
import type { PostgresDatabase, Tables } from './database.js'

/**
 * Reads the key of a secret, which nobody changes then until the transaction ends. Last of all that is locked: others lock a profile
 * before its keys, and who revokes the key must not wait for what is locked beside it.
 */
export async function lockActing (db: PostgresDatabase, tables: Tables, digest: string): Promise<AccessRow | null> {
  const { keys } = tables
  const hasDigest = or(eq(keys.digest, digest), eq(keys.previousDigest, digest))
  await db.select({ id: keys.id }).from(keys).where(hasDigest).for('share')
  // In a statement of its own: the one that locks may have waited for a change, and saw what was there before.
  const isPrevious = sql<boolean>`${keys.digest} <> ${sql.param(digest, keys.digest)}`
  const [row] = await selectKeys(db, tables, { ...accessColumns(tables), isPrevious }).where(hasDigest)
  return row ?? null
}

/**
 * Waits until no other key of the same profile changes one: two that change each other would lock themselves first and wait for the
 * other then. Nobody else waits for that.
 */
export async function takeTurn (db: PostgresDatabase, { keys }: Tables, id: string): Promise<void> {
  await db.execute(sql`SELECT pg_advisory_xact_lock(tableoid::int, (profile_id % 2147483647)::int) FROM ${keys} WHERE ${eq(keys.id, id)}`)
}
