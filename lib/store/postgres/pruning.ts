import { and, eq, isNull, lte, notExists, or, sql } from 'drizzle-orm'
import type { Store } from '../store.js'
import { anyOf, lastAccess } from './columns.js'
import type { Context, PostgresDatabase } from './database.js'

/** The verb of a store that deletes what is dead. Usage and last uses go with their keys; history refers to nothing. */
export function pruneVerb ({ tables, transaction }: Context): Pick<Store, 'prune'> {
  const { keys, profiles, history } = tables

  async function pruneKeys (db: PostgresDatabase, before: number, limit: number): Promise<number> {
    const deleted = db.select({ id: profiles.id }).from(profiles).where(lte(profiles.deletedAt, before))
    // As an array, which an index can be asked for beside others.
    const isDead = or(lte(keys.revokedAt, before), lte(keys.expiresAt, before), sql`${keys.profileId} = ANY (ARRAY(${deleted}))`)
    const found = await db.select({ id: keys.id, profileId: keys.profileId }).from(keys).where(isDead).orderBy(keys.id).limit(limit)
    // First, as everybody locks profiles before their keys.
    await db.select({ id: profiles.id }).from(profiles).where(anyOf(profiles.id, found.map(({ profileId }) => profileId))).orderBy(profiles.id).for('no key update')
    const dead = await db.select({ id: keys.id, profileId: keys.profileId }).from(keys)
      .where(and(anyOf(keys.id, found.map(({ id }) => id)), isDead)).orderBy(keys.id).for('update')
    if (dead.length === 0) return 0
    const ids = dead.map(({ id }) => id)
    // What is known of it by its keys alone goes with them.
    await db.update(profiles).set({ lastAccessAt: lastAccess(tables) }).where(anyOf(profiles.id, dead.map(({ profileId }) => profileId)))
    await db.delete(history).where(anyOf(history.keyId, ids))
    await db.delete(keys).where(anyOf(keys.id, ids))
    return ids.length
  }

  async function pruneProfiles (db: PostgresDatabase, before: number, limit: number): Promise<number> {
    const owned = db.select({ id: keys.id }).from(keys).where(eq(keys.profileId, profiles.id))
    const dead = await db.select({ id: profiles.id }).from(profiles)
      .where(and(lte(profiles.deletedAt, before), notExists(owned))).orderBy(profiles.id).limit(limit).for('update')
    if (dead.length === 0) return 0
    const ids = dead.map(({ id }) => id)
    await db.delete(history).where(and(anyOf(history.profileId, ids), isNull(history.keyId)))
    await db.delete(profiles).where(anyOf(profiles.id, ids))
    return ids.length
  }

  return {
    async prune (before, limit) {
      return await transaction(async (db) => {
        const pruned = await pruneKeys(db, before, limit)
        return { keys: pruned, profiles: pruned < limit ? await pruneProfiles(db, before, limit) : 0 }
      })
    }
  }
}
