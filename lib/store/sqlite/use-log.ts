import { asc, count, eq, lt, sql } from 'drizzle-orm'
import type { Store } from '../store.js'
import { decodeEntry, recover } from '../use-log.js'
import type { SqliteDatabase, Write } from './database.js'
import { guarded } from './failures.js'
import { useLog } from './schema.js'
import { prepareCounting } from './usage.js'
import { prepareSaving } from './uses.js'

/** The verbs of a store that log uses and counts. */
export function useLogVerbs (db: SqliteDatabase, writeUses: Write): Pick<Store, 'logUses' | 'replaceLogged' | 'applyLogged' | 'countLogged' | 'recoverUses'> {
  const log = db.insert(useLog).values({ at: sql.placeholder('at'), uses: sql.placeholder('text') }).returning({ id: useLog.id }).prepare()
  // As JSON, since a statement takes only so many values.
  const isOne = sql`${useLog.id} IN (SELECT value FROM json_each(${sql.placeholder('entries')}))`
  const countPresent = db.select({ count: count() }).from(useLog).where(isOne).prepare()
  const drop = db.delete(useLog).where(isOne).prepare()
  const take = db.delete(useLog).where(eq(useLog.id, sql.placeholder('entry'))).returning({ text: useLog.uses }).prepare()
  const list = db.select({ id: useLog.id }).from(useLog).where(lt(useLog.at, sql.placeholder('before'))).orderBy(asc(useLog.id)).prepare()
  const save = prepareSaving(db)
  const add = prepareCounting(db)

  const logUses: Store['logUses'] = async (text, at) => writeUses(() => log.get({ text, at }).id)

  const applyLogged: Store['applyLogged'] = async (entry) => writeUses(() => {
    const [taken] = take.all({ entry })
    if (taken === undefined) return false
    const { uses, counts } = decodeEntry(taken.text)
    save(uses)
    add(counts)
    return true
  })

  const presentOf = (entries: string): number => Number(countPresent.get({ entries })?.count)

  return {
    logUses,
    applyLogged,

    async countLogged (entries) {
      return guarded(() => presentOf(JSON.stringify(entries)))
    },

    async replaceLogged (replaced, texts, at) {
      const entries = JSON.stringify(replaced)
      return writeUses(() => {
        if (presentOf(entries) !== replaced.length) return null
        drop.run({ entries })
        return texts.map((text) => log.get({ text, at }).id)
      })
    },

    async recoverUses (before) {
      await recover(() => guarded(() => list.all({ before }).map(({ id }) => id)), applyLogged)
    }
  }
}
