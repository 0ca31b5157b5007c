import { and, asc, between, inArray, sql } from 'drizzle-orm'
import type { BookkeepingStore, DayCount } from '../bookkeeping.js'
import { prepareInsert, type SqliteDatabase, type Write } from './database.js'
import { guarded } from './failures.js'
import { prepareSieve } from './orphans.js'
import { usage } from './schema.js'

/** The verbs of a store that count uses by day. */
export function usageVerbs (db: SqliteDatabase, writeUses: Write): Pick<BookkeepingStore, 'saveUsage' | 'readUsage'> {
  const add = prepareCounting(db)
  return {
    async saveUsage (counts) {
      writeUses(() => add(counts))
    },

    async readUsage (keyIds, from, to) {
      return guarded(() => db.select().from(usage).where(and(inArray(usage.keyId, [...keyIds]), between(usage.day, from, to)))
        .orderBy(asc(usage.day), asc(usage.outcome)).all())
    }
  }
}

/** Prepares what adds counts, within a transaction of the caller's. */
export function prepareCounting (db: SqliteDatabase): (counts: readonly DayCount[]) => void {
  const row = { keyId: sql.placeholder('keyId'), day: sql.placeholder('day'), outcome: sql.placeholder('outcome'), count: sql.placeholder('count') }
  const add = prepareInsert<DayCount>(db, (count) => db.insert(usage).values(Array(count).fill(row)).onConflictDoUpdate({
    target: [usage.keyId, usage.day, usage.outcome], set: { count: sql`${usage.count} + excluded.count` }
  }), 'skip')
  const ofPresentKeys = prepareSieve(db)
  return (counts) => add(ofPresentKeys(counts))
}
