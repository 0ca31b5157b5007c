import { eq, sql } from 'drizzle-orm'
import type { SqliteDatabase } from './database.js'
import { keys } from './schema.js'

/**
 * Prepares a sieve that leaves out rows of keys that are gone. Foreign keys refuse those by themselves, unless the application has
 * turned them off on its connection; there alone each row's key is looked for, within the transaction that writes the rows.
 */
export function prepareSieve (db: SqliteDatabase): <T extends { readonly keyId: string }>(rows: readonly T[]) => readonly T[] {
  const find = db.select({ id: keys.id }).from(keys).where(eq(keys.id, sql.placeholder('keyId'))).prepare()
  // Asked each time, as the application may change it at any.
  const areEnforced = () => Number(db.$client.pragma('foreign_keys', { simple: true })) === 1
  return (rows) => areEnforced() ? rows : rows.filter(({ keyId }) => find.get({ keyId }) !== undefined)
}
