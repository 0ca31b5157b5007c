import { and, asc, eq, inArray, isNull, lt, lte, or, sql } from 'drizzle-orm'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Store, Use } from '../store.js'
import { decodeUses, encodeUses } from '../use-log.js'
import { prepareBulk, prepareInsert, type SqliteDatabase, type Write } from './database.js'
import { guarded } from './failures.js'
import { useLog, uses } from './schema.js'

/** Few enough that writing them holds up no request for a millisecond. */
const BATCH = 200

/** The verbs of a store that note uses. They are called every second with all keys that were used in it. */
export function useVerbs (db: SqliteDatabase, writeUses: Write): Pick<Store, 'saveUses' | 'logUses' | 'dropLogged' | 'recoverUses' | 'batchSize'> {
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
  const previous = prepareBulk(db, db.update(uses).set({ previousUsedAt: sql`${sql.placeholder('previousAt')}` })
    .where(and(eq(uses.keyId, keyId), or(isNull(uses.previousUsedAt), lte(uses.previousUsedAt, sql.placeholder('previousAt'))))))

  const log = db.insert(useLog).values({ at, uses: sql.placeholder('uses') }).returning({ id: useLog.id }).prepare()
  const oldest = db.select({ id: useLog.id }).from(useLog).where(lt(useLog.at, sql.placeholder('before'))).orderBy(asc(useLog.id)).limit(1).prepare()

  function saveAll (batch: readonly Use[]): void {
    save(batch)
    // By itself, since the new secret may have been used later elsewhere.
    for (const use of batch) if (use.previousAt !== null) previous(use)
  }

  /** Stores the uses of an entry, unless another process has just done so. */
  function recoverEntry (id: number): void {
    for (const { uses } of db.delete(useLog).where(eq(useLog.id, id)).returning().all()) saveAll(decodeUses(uses))
  }

  return {
    batchSize: BATCH,

    async saveUses (batch) {
      writeUses(() => saveAll(batch))
    },

    async logUses (batch, at) {
      return writeUses(() => log.get({ at, uses: encodeUses(batch) }).id)
    },

    async dropLogged (entries) {
      writeUses(() => db.delete(useLog).where(inArray(useLog.id, [...entries])).run())
    },

    async recoverUses (before) {
      const next = () => guarded(() => oldest.get({ before }))
      for (let entry = next(); entry !== undefined; entry = next()) {
        const { id } = entry
        writeUses(() => recoverEntry(id))
        await nextTurn()
      }
    }
  }
}
