import { asc, eq, lt } from 'drizzle-orm'
import type { Store } from '../store.js'
import { decodeEntry, recover } from '../use-log.js'
import { anyOf } from './columns.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase } from './database.js'
import { addCounts } from './usage.js'
import { saveUses } from './uses.js'

/** The verbs of a store that log uses and counts. */
export function useLogVerbs ({ tables, db, changes, transaction }: Context): Pick<Store, 'logUses' | 'replaceLogged' | 'applyLogged' | 'countLogged' | 'recoverUses'> {
  const { useLog } = tables

  async function log (db: PostgresDatabase, text: string, at: number): Promise<number> {
    const [entry] = await db.insert(useLog).values({ at, uses: text }).returning({ id: useLog.id })
    return (entry as { id: number }).id
  }

  // Locks uses before counts, and each in the order of ids, so that two that apply entries at once cannot wait for each other.
  const applyLogged: Store['applyLogged'] = (entry) => transaction(async (db) => {
    const [taken] = await db.delete(useLog).where(eq(useLog.id, entry)).returning({ text: useLog.uses })
    if (taken === undefined) return false
    const { uses, counts } = decodeEntry(taken.text)
    await saveUses(db, tables, uses)
    if (counts.length > 0) await addCounts(db, tables, counts)
    return true
  })

  return {
    applyLogged,

    async logUses (text, at) {
      return await guarded(() => log(changes, text, at))
    },

    replaceLogged: (entries, texts, at) => transaction(async (db) => {
      const present = await db.select({ id: useLog.id }).from(useLog).where(anyOf(useLog.id, entries)).for('update')
      if (present.length !== entries.length) return null
      await db.delete(useLog).where(anyOf(useLog.id, entries))
      const numbers: number[] = []
      for (const text of texts) numbers.push(await log(db, text, at))
      return numbers
    }),

    async countLogged (entries) {
      return await guarded(() => db.$count(useLog, anyOf(useLog.id, entries)))
    },

    async recoverUses (before) {
      const list = () => guarded(() => db.select({ id: useLog.id }).from(useLog).where(lt(useLog.at, before)).orderBy(asc(useLog.id)))
      await recover(async () => (await list()).map(({ id }) => id), applyLogged)
    }
  }
}
