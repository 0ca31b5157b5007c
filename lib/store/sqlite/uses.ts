import { and, asc, eq, isNull, lt, lte, or, sql } from 'drizzle-orm'
import type { Store, Use } from '../store.js'
import { encodeUses, recover } from '../use-log.js'
import { prepareBulk, prepareInsert, type SqliteDatabase, type Write } from './database.js'
import { guarded } from './failures.js'
import { prepareSieve } from './orphans.js'
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
  const ofPresentKeys = prepareSieve(db)
  const previous = prepareBulk(db, db.update(uses).set({ previousUsedAt: sql`${sql.placeholder('previousAt')}` })
    .where(and(eq(uses.keyId, keyId), or(isNull(uses.previousUsedAt), lte(uses.previousUsedAt, sql.placeholder('previousAt'))))))

  const log = db.insert(useLog).values({ at, uses: sql.placeholder('uses') }).returning({ id: useLog.id }).prepare()
  // As JSON, since a statement takes only so many values.
  const drop = db.delete(useLog).where(sql`${useLog.id} IN (SELECT value FROM json_each(${sql.placeholder('entries')}))`).prepare()
  const list = db.select({ id: useLog.id }).from(useLog).where(lt(useLog.at, sql.placeholder('before'))).orderBy(asc(useLog.id)).prepare()
  const read = db.select({ uses: useLog.uses }).from(useLog).where(eq(useLog.id, sql.placeholder('entry'))).prepare()

  function saveAll (batch: readonly Use[]): void {
    save(ofPresentKeys(batch))
    // By itself, since the new secret may have been used later elsewhere.
    for (const use of batch) if (use.previousAt !== null) previous(use)
  }

  const verbs: Pick<Store, 'saveUses' | 'dropLogged' | 'batchSize'> = {
    batchSize: BATCH,

    async saveUses (batch) {
      writeUses(() => saveAll(batch))
    },

    async dropLogged (entries) {
      writeUses(() => drop.run({ entries: JSON.stringify(entries) }))
    }
  }

  return {
    ...verbs,

    async logUses (batch, at) {
      return writeUses(() => log.get({ at, uses: encodeUses(batch) }).id)
    },

    async recoverUses (before) {
      await recover(before, {
        ...verbs,
        list: (before) => guarded(() => list.all({ before }).map(({ id }) => id)),
        read: (entry) => guarded(() => read.all({ entry }))
      })
    }
  }
}
