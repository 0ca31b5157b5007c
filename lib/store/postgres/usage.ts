import { and, asc, between, sql } from 'drizzle-orm'
import type { BookkeepingStore, DayCount } from '../bookkeeping.js'
import { anyOf } from './columns.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** The verbs of a store that count uses by day. */
export function usageVerbs ({ tables, db, changes }: Context): Pick<BookkeepingStore, 'saveUsage' | 'readUsage'> {
  const { usage } = tables
  return {
    async saveUsage (counts) {
      await guarded(() => addCounts(changes, tables, counts))
    },

    async readUsage (keyIds, from, to) {
      return await guarded(() => db.select().from(usage).where(and(anyOf(usage.keyId, keyIds), between(usage.day, from, to)))
        .orderBy(asc(usage.day), asc(usage.outcome)))
    }
  }
}

/**
 * Adds counts, of which several may be of the same key, day and outcome: a statement changes a row once. Rows in one order, so that
 * two nodes that write at once cannot wait for each other.
 */
export async function addCounts (db: PostgresDatabase, { keys, usage }: Tables, counts: readonly DayCount[]): Promise<void> {
  // A key that is deleted just now may fail the batch, which is then tried again.
  await db.execute(sql`
    INSERT INTO ${usage} AS stored (key_id, day, outcome, count)
    SELECT id, day, outcome, sum(count)
    FROM json_to_recordset(${JSON.stringify(counts)}::json) AS added ("keyId" text, day integer, outcome text, count bigint)
    JOIN ${keys} ON id = "keyId" GROUP BY id, day, outcome ORDER BY id, day, outcome
    ON CONFLICT (key_id, day, outcome) DO UPDATE SET count = stored.count + excluded.count`)
}
