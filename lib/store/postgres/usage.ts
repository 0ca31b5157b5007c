import { and, asc, between, sql } from 'drizzle-orm'
import type { AccountStore } from '../accounts.js'
import { anyOf } from './columns.js'
import { guarded } from './connections.js'
import type { Context } from './database.js'

/** The verbs of a store that count uses by day. Rows in one order, so that two nodes that write at once cannot wait for each other. */
export function usageVerbs ({ tables: { keys, usage }, db, changes }: Context): Pick<AccountStore, 'saveUsage' | 'readUsage'> {
  return {
    async saveUsage (counts) {
      // A key that is deleted just now may fail the batch, which is then tried again.
      await guarded(() => changes.execute(sql`
        INSERT INTO ${usage} AS stored (key_id, day, outcome, count)
        SELECT id, day, outcome, count
        FROM json_to_recordset(${JSON.stringify(counts)}::json) AS added ("keyId" text, day integer, outcome text, count bigint)
        JOIN ${keys} ON id = "keyId" ORDER BY id, day, outcome
        ON CONFLICT (key_id, day, outcome) DO UPDATE SET count = stored.count + excluded.count`))
    },

    async readUsage (keyIds, from, to) {
      return await guarded(() => db.select().from(usage).where(and(anyOf(usage.keyId, keyIds), between(usage.day, from, to)))
        .orderBy(asc(usage.day), asc(usage.outcome)))
    }
  }
}
