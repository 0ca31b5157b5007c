import { sql } from 'drizzle-orm'
import type { Store } from '../store.js'
import { guarded } from './connections.js'
import type { Context } from './database.js'

/**
 * The verbs of a store that note uses, one statement for a whole batch. Each takes its rows in the order of their ids, so
 * that two nodes that write at once cannot wait for each other.
 */
export function useVerbs ({ tables: { keys, profiles, uses }, changes }: Context): Pick<Store, 'saveUses' | 'saveLastAccesses'> {
  return {
    async saveUses (batch) {
      const newest = newestBy(batch, ({ keyId }) => keyId)
      // Of a key that was deleted in the meantime there is nothing to note, and none can be deleted meanwhile.
      await guarded(() => changes.execute(sql`
        INSERT INTO ${uses} AS stored (key_id, last_used_at, logged_ip)
        SELECT id, at, ip FROM unnest(
          ${sql.param(newest.map(({ keyId }) => keyId))}::text[], ${sql.param(newest.map(({ at }) => at))}::bigint[],
          ${sql.param(newest.map(({ ip }) => ip))}::text[]) AS use (id, at, ip)
        JOIN ${keys} USING (id) ORDER BY id FOR KEY SHARE OF api_keys
        ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at,
          logged_ip = CASE WHEN stored.logged_out_at > excluded.last_used_at THEN stored.logged_ip ELSE excluded.logged_ip END
        WHERE stored.last_used_at IS NULL OR stored.last_used_at <= excluded.last_used_at`))
    },

    async saveLastAccesses (batch) {
      const newest = newestBy(batch, ({ profileId }) => profileId)
      await guarded(() => changes.execute(sql`
        WITH accesses AS (SELECT id, at FROM unnest(
          ${sql.param(newest.map(({ profileId }) => profileId))}::bigint[], ${sql.param(newest.map(({ at }) => at))}::bigint[]) AS access (id, at)
          JOIN ${profiles} USING (id) ORDER BY id FOR NO KEY UPDATE OF api_key_profiles)
        UPDATE ${profiles} AS profile SET last_access_at = at FROM accesses
        WHERE profile.id = accesses.id AND (profile.last_access_at IS NULL OR profile.last_access_at <= at)`))
    }
  }
}

/** The newest entry for each value of a property: a statement changes a row once. */
function newestBy<T extends { readonly at: number }> (batch: readonly T[], property: (entry: T) => unknown): T[] {
  const newest = new Map<unknown, T>()
  for (const entry of batch) {
    const other = newest.get(property(entry))
    if (other === undefined || entry.at >= other.at) newest.set(property(entry), entry)
  }
  return [...newest.values()]
}
