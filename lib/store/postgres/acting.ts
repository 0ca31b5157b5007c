import { eq, or, sql } from 'drizzle-orm'
import type { AccessRow } from '../rows.js'
import { accessColumns, selectKeys } from './columns.js'
import type { PostgresDatabase, Tables } from './database.js'

/**
 * Reads the key of a secret, which nobody changes then until the transaction ends. Last of all that is locked, so that who revokes the key
 * waits for nothing that is locked beside it.
 */
export async function lockActing (db: PostgresDatabase, tables: Tables, digest: string): Promise<AccessRow | null> {
  const { keys } = tables
  const hasDigest = or(eq(keys.digest, digest), eq(keys.previousDigest, digest))
  await db.select({ id: keys.id }).from(keys).where(hasDigest).for('no key update')
  // In a statement of its own: the one that locks may have waited for a change, and saw what was there before.
  const isPrevious = sql<boolean>`${keys.digest} <> ${sql.param(digest, keys.digest)}`
  const [row] = await selectKeys(db, tables, { ...accessColumns(tables), isPrevious }).where(hasDigest)
  return row ?? null
}
