import { and, asc, between, eq, inArray, sql } from 'drizzle-orm'
import type { AccountStore } from '../accounts.js'
import { prepareBulk, type SqliteDatabase, type Write } from './database.js'
import { guarded } from './failures.js'
import { keys, usage } from './schema.js'

/** The verbs of a store that count uses by day. */
export function usageVerbs (db: SqliteDatabase, writeUses: Write): Pick<AccountStore, 'saveUsage' | 'readUsage'> {
  const add = prepareBulk(db, db.insert(usage).select(db.select({
    keyId: keys.id,
    day: sql`${sql.placeholder('day')}`.as('new_day'),
    outcome: sql`${sql.placeholder('outcome')}`.as('new_outcome'),
    count: sql`${sql.placeholder('count')}`.as('new_count')
  }).from(keys).where(eq(keys.id, sql.placeholder('keyId')))).onConflictDoUpdate({
    target: [usage.keyId, usage.day, usage.outcome], set: { count: sql`${usage.count} + excluded.count` }
  }))

  return {
    async saveUsage (counts) {
      writeUses(() => {
        for (const count of counts) add({ ...count })
      })
    },

    async readUsage (keyIds, from, to) {
      return guarded(() => db.select().from(usage).where(and(inArray(usage.keyId, [...keyIds]), between(usage.day, from, to)))
        .orderBy(asc(usage.day), asc(usage.outcome)).all())
    }
  }
}
