import { sql } from 'drizzle-orm'
import type { Store, Use } from '../store.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** Few enough that requests do not wait long while a batch is put together. More, smaller ones would cost the process more. */
const BATCH = 2500

/** The verbs of a store that note uses. */
export function useVerbs ({ tables, changes }: Context): Pick<Store, 'saveUses' | 'batchSize'> {
  return {
    batchSize: BATCH,

    async saveUses (batch) {
      await guarded(() => saveUses(changes, tables, batch))
    }
  }
}

/**
 * Stores uses, one statement for a whole batch, which it gets as JSON: arrays take the driver longer. Each takes its rows in the
 * order of their ids, so that two nodes that write at once cannot wait for each other.
 */
export async function saveUses (db: PostgresDatabase, { keys, uses }: Tables, batch: readonly Use[]): Promise<void> {
  const newest = newestOfEach(batch)
  // Of a key that was deleted in the meantime there is nothing to note. One that is deleted just now may fail the batch,
  // which is then tried again: locking every key each second would cost more than all else.
  await db.execute(sql`
    INSERT INTO ${uses} AS stored (key_id, last_used_at, logged_ip)
    SELECT id, at, ip FROM json_to_recordset(${JSON.stringify(newest)}::json) AS use ("keyId" text, at bigint, ip text)
    JOIN ${keys} ON id = "keyId" ORDER BY id
    ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at,
      logged_ip = CASE WHEN stored.logged_out_at > excluded.last_used_at THEN stored.logged_ip ELSE excluded.logged_ip END
    WHERE stored.last_used_at IS NULL OR stored.last_used_at <= excluded.last_used_at`)
  // By themselves, since the new secret may have been used later elsewhere. Mostly there are none.
  const previous = newest.filter(({ previousAt }) => previousAt !== null)
  if (previous.length === 0) return
  await db.execute(sql`
    WITH used AS (SELECT key_id, "previousAt" AS at FROM json_to_recordset(${JSON.stringify(previous)}::json) AS use ("keyId" text, "previousAt" bigint)
      JOIN ${uses} ON key_id = "keyId" ORDER BY key_id FOR NO KEY UPDATE OF api_key_uses)
    UPDATE ${uses} AS stored SET previous_used_at = at FROM used
    WHERE stored.key_id = used.key_id AND (stored.previous_used_at IS NULL OR stored.previous_used_at <= at)`)
}

/** The newest use of each key: a statement changes a row once. */
function newestOfEach (batch: readonly Use[]): Use[] {
  const newest = new Map<string, Use>()
  for (const use of batch) {
    const other = newest.get(use.keyId)
    if (other === undefined || use.at >= other.at) newest.set(use.keyId, use)
  }
  return [...newest.values()]
}
