import { and, eq, isNull, lte, or, sql } from 'drizzle-orm'
import type { Store, Use } from '../store.js'
import { prepareBulk, prepareInsert, type SqliteDatabase, type Write } from './database.js'
import { prepareSieve } from './orphans.js'
import { uses } from './schema.js'

/** Few enough that writing them holds up no request for a millisecond. */
const BATCH = 200

/** The verbs of a store that note uses. They are called every second with all keys that were used in it. */
export function useVerbs (db: SqliteDatabase, writeUses: Write): Pick<Store, 'saveUses' | 'batchSize'> {
  const save = prepareSaving(db)
  return {
    batchSize: BATCH,

    async saveUses (batch) {
      writeUses(() => save(batch))
    }
  }
}

/** Prepares what stores uses, within a transaction of the caller's. */
export function prepareSaving (db: SqliteDatabase): (batch: readonly Use[]) => void {
  const at = sql.placeholder('at')
  const keyId = sql.placeholder('keyId')
  const use = { keyId, lastUsedAt: at, loggedIp: sql.placeholder('ip') }
  const save = prepareInsert<Use>(db, (count) => db.insert(uses).values(Array(count).fill(use)).onConflictDoUpdate({
    target: uses.keyId,
    set: {
      lastUsedAt: sql`excluded.last_used_at`,
      loggedIp: sql`CASE WHEN ${uses.loggedOutAt} > excluded.last_used_at THEN ${uses.loggedIp} ELSE excluded.logged_ip END`
    },
    setWhere: sql`${uses.lastUsedAt} IS NULL OR ${uses.lastUsedAt} <= excluded.last_used_at`
  }), 'skip')
  const ofPresentKeys = prepareSieve(db)
  const previous = prepareBulk(db, db.update(uses).set({ previousUsedAt: sql`${sql.placeholder('previousAt')}` })
    .where(and(eq(uses.keyId, keyId), or(isNull(uses.previousUsedAt), lte(uses.previousUsedAt, sql.placeholder('previousAt'))))))

  return (batch) => {
    save(ofPresentKeys(batch))
    // By itself, since the new secret may have been used later elsewhere.
    for (const use of batch) if (use.previousAt !== null) previous(use)
  }
}
