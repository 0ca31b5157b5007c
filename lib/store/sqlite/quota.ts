import { eq, sql } from 'drizzle-orm'
import { CLOCKS_APART, type BookkeepingStore } from '../bookkeeping.js'
import type { SqliteDatabase, Write } from './database.js'
import { keys } from './schema.js'

/** The verb of a store that counts uses against quotas. */
export function quotaVerb (db: SqliteDatabase, write: Write): Pick<BookkeepingStore, 'takeQuota'> {
  // The driver passes every number as a fraction, and SQLite would divide it as one.
  const parameter = (name: string) => sql`CAST(${sql.placeholder(name)} AS INTEGER)`
  const [at, max, every] = [parameter('at'), parameter('max'), parameter('every')]
  const isOver = sql`${at} >= ${keys.quotaSince} + ${every}`
  const isAhead = sql`${keys.quotaSince} > ${at} + ${sql.raw(String(CLOCKS_APART))}`
  const isAnother = sql`(${every} IS NOT NULL AND (${isOver} OR ${isAhead}))`
  const columns = { used: keys.quotaUsed, since: keys.quotaSince }
  const take = db.update(keys).set({
    quotaUsed: sql`CASE WHEN ${isAnother} THEN 1 ELSE ${keys.quotaUsed} + 1 END`,
    quotaSince: sql`CASE WHEN ${keys.quotaSince} IS NULL OR (${every} IS NOT NULL AND ${isAhead}) THEN ${at} WHEN ${isOver} THEN ${keys.quotaSince} + ${every} * ((${at} - ${keys.quotaSince}) / ${every}) ELSE ${keys.quotaSince} END`
  }).where(sql`${keys.id} = ${sql.placeholder('keyId')} AND (${keys.quotaUsed} < ${max} OR ${isAnother})`).returning(columns).prepare()
  const read = db.select(columns).from(keys).where(eq(keys.id, sql.placeholder('keyId'))).prepare()

  return {
    takeQuota (keyId, quota, at) {
      return write(() => {
        const taken = take.get({ keyId, ...quota, at })
        const row = taken ?? read.get({ keyId })
        return row === undefined ? null : { isTaken: taken !== undefined, used: row.used, since: row.since ?? at }
      })
    }
  }
}
