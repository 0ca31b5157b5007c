import { and, eq, isNull, lte, or, sql } from 'drizzle-orm'
import type { Store } from '../store.js'
import { prepareBulk, type SqliteDatabase, type Write } from './database.js'
import { keys, profiles, uses } from './schema.js'

/** Few enough that writing them holds up no request for a millisecond. */
const BATCH = 100

/** The verbs of a store that note uses. They are called every second with all keys that were used in it. */
export function useVerbs (db: SqliteDatabase, writeUses: Write): Pick<Store, 'saveUses' | 'saveLastAccesses' | 'batchSize'> {
  const at = sql.placeholder('at')
  const ip = sql.placeholder('ip')
  const update = prepareBulk(db, db.update(uses)
    .set({
      lastUsedAt: sql`${at}`,
      loggedIp: sql`CASE WHEN ${uses.loggedOutAt} > ${at} THEN ${uses.loggedIp} ELSE ${ip} END`
    })
    .where(and(eq(uses.keyId, sql.placeholder('keyId')), or(isNull(uses.lastUsedAt), lte(uses.lastUsedAt, at)))))
  // Of a key that was deleted in the meantime there is nothing to note, and one that has a later use keeps it.
  const insert = prepareBulk(db, db.insert(uses).select(db.select({
    keyId: keys.id, lastUsedAt: sql`${at}`.as('at'), loggedIp: sql`${ip}`.as('ip'), loggedOutAt: sql`NULL`.as('out'), previousUsedAt: sql`NULL`.as('previous')
  }).from(keys).where(eq(keys.id, sql.placeholder('keyId')))).onConflictDoNothing())
  const previous = prepareBulk(db, db.update(uses).set({ previousUsedAt: sql`${sql.placeholder('previousAt')}` })
    .where(and(eq(uses.keyId, sql.placeholder('keyId')), or(isNull(uses.previousUsedAt), lte(uses.previousUsedAt, sql.placeholder('previousAt'))))))
  const access = prepareBulk(db, db.update(profiles).set({ lastAccessAt: sql`${at}` })
    .where(and(eq(profiles.id, sql.placeholder('profileId')), or(isNull(profiles.lastAccessAt), lte(profiles.lastAccessAt, at)))))

  return {
    batchSize: BATCH,

    async saveUses (batch) {
      writeUses(() => {
        for (const use of batch) {
          if (update({ ...use }) === 0) insert({ ...use })
          // By itself, since the new secret may have been used later elsewhere.
          if (use.previousAt !== null) previous({ ...use })
        }
      })
    },

    async saveLastAccesses (batch) {
      writeUses(() => {
        for (const { profileId, at } of batch) access({ profileId, at })
      })
    }
  }
}
