import { sql } from 'drizzle-orm'
import type { Store, Use } from '../store.js'
import type { Context } from './database.js'

/**
 * The verb of a store that notes uses: one statement for the profiles and one for the keys, however many there are. Both
 * lock their rows in the order of their ids first, and every transaction locks profiles before keys, so that two nodes
 * that write at once cannot wait for each other.
 */
export function useVerb ({ tables: { keys, profiles }, transaction }: Context): Pick<Store, 'saveUses'> {
  return {
    async saveUses (uses) {
      const newest = newestBy(uses, ({ keyId }) => keyId)
      const accesses = newestBy(uses, ({ profileId }) => profileId)
      await transaction(async (db) => {
        await db.execute(sql`
          WITH accesses AS (SELECT * FROM unnest(
            ${sql.param(accesses.map(({ profileId }) => profileId))}::bigint[], ${sql.param(accesses.map(({ at }) => at))}::bigint[]) AS access(id, at)),
          locked AS (SELECT id, at FROM ${profiles} JOIN accesses USING (id) ORDER BY id FOR NO KEY UPDATE OF api_key_profiles)
          UPDATE ${profiles} AS profile SET last_access_at = at FROM locked
          WHERE profile.id = locked.id AND (profile.last_access_at IS NULL OR profile.last_access_at <= at)`)
        await db.execute(sql`
          WITH uses AS (SELECT * FROM unnest(
            ${sql.param(newest.map(({ keyId }) => keyId))}::text[], ${sql.param(newest.map(({ at }) => at))}::bigint[], ${sql.param(newest.map(({ ip }) => ip))}::text[]) AS use(id, at, ip)),
          locked AS (SELECT id, at, ip FROM ${keys} JOIN uses USING (id) ORDER BY id FOR NO KEY UPDATE OF api_keys)
          UPDATE ${keys} AS key SET last_used_at = at, logged_ip = CASE WHEN key.logged_out_at > at THEN key.logged_ip ELSE ip END FROM locked
          WHERE key.id = locked.id AND (key.last_used_at IS NULL OR key.last_used_at <= at)`)
      })
    }
  }
}

/** The newest use for each value of a property: a statement changes a row once. */
function newestBy (uses: readonly Use[], property: (use: Use) => unknown): Use[] {
  const newest = new Map<unknown, Use>()
  for (const use of uses) {
    const other = newest.get(property(use))
    if (other === undefined || use.at >= other.at) newest.set(property(use), use)
  }
  return [...newest.values()]
}
