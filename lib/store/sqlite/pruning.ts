import { and, eq, inArray, isNull, lte, or, sql } from 'drizzle-orm'
import type { Store } from '../store.js'
import { lastAccess } from './columns.js'
import type { SqliteDatabase, Write } from './database.js'
import { history, keys, profiles, usage, uses } from './schema.js'

/**
 * The verb of a store that deletes what is dead. Usage and last uses would go with their keys by themselves, but not where the
 * application has turned foreign keys off on its connection.
 */
export function pruneVerb (db: SqliteDatabase, write: Write): Pick<Store, 'prune'> {
  function pruneKeys (before: number, limit: number): number {
    const deleted = db.select({ id: profiles.id }).from(profiles).where(lte(profiles.deletedAt, before))
    const dead = db.select({ id: keys.id, profileId: keys.profileId }).from(keys)
      .where(or(lte(keys.revokedAt, before), lte(keys.expiresAt, before), inArray(keys.profileId, deleted))).limit(limit).all()
    if (dead.length === 0) return 0
    const ids = dead.map(({ id }) => id)
    // What is known of it by its keys alone goes with them.
    db.update(profiles).set({ lastAccessAt: lastAccess }).where(inArray(profiles.id, dead.map(({ profileId }) => profileId))).run()
    for (const table of [history, uses, usage]) db.delete(table).where(inArray(table.keyId, ids)).run()
    return db.delete(keys).where(inArray(keys.id, ids)).run().changes
  }

  function pruneProfiles (before: number, limit: number): number {
    const ids = db.select({ id: profiles.id }).from(profiles).leftJoin(keys, eq(keys.profileId, profiles.id))
      .where(and(lte(profiles.deletedAt, before), isNull(keys.id))).limit(limit).all().map(({ id }) => id)
    if (ids.length === 0) return 0
    db.delete(history).where(and(inArray(history.profileId, ids), sql`${history.keyId} IS NULL`)).run()
    return db.delete(profiles).where(inArray(profiles.id, ids)).run().changes
  }

  return {
    async prune (before, limit) {
      return write(() => {
        const pruned = pruneKeys(before, limit)
        return { keys: pruned, profiles: pruned < limit ? pruneProfiles(before, limit) : 0 }
      })
    }
  }
}
