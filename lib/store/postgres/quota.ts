import { eq, sql } from 'drizzle-orm'
import { CLOCKS_APART, type BookkeepingStore } from '../bookkeeping.js'
import { guarded } from './connections.js'
import type { Context } from './database.js'

/**
 * The verb of a store that counts uses against quotas. One guarded statement is exact: a second one waits for the row and
 * then looks at its condition anew.
 */
export function quotaVerb ({ tables: { keys }, db, changes }: Context): Pick<BookkeepingStore, 'takeQuota'> {
  const parameter = (name: string) => sql`${sql.placeholder(name)}::bigint`
  const [at, max, every] = [parameter('at'), parameter('max'), parameter('every')]
  const isOver = sql`${at} >= ${keys.quotaSince} + ${every}`
  const isAhead = sql`${keys.quotaSince} > ${at} + ${sql.raw(String(CLOCKS_APART))}`
  const isAnother = sql`(${every} IS NOT NULL AND (${isOver} OR ${isAhead}))`
  const columns = { used: keys.quotaUsed, since: keys.quotaSince }
  const take = changes.update(keys).set({
    quotaUsed: sql`CASE WHEN ${isAnother} THEN 1 ELSE ${keys.quotaUsed} + 1 END`,
    quotaSince: sql`CASE WHEN ${keys.quotaSince} IS NULL OR (${every} IS NOT NULL AND ${isAhead}) THEN ${at} WHEN ${isOver} THEN ${keys.quotaSince} + ${every} * ((${at} - ${keys.quotaSince}) / ${every}) ELSE ${keys.quotaSince} END`
  }).where(sql`${keys.id} = ${sql.placeholder('keyId')} AND (${keys.quotaUsed} < ${max} OR ${isAnother})`).returning(columns).prepare('take_quota')
  const read = db.select(columns).from(keys).where(eq(keys.id, sql.placeholder('keyId'))).prepare('read_quota')

  return {
    async takeQuota (keyId, quota, at) {
      const [taken] = await guarded(() => take.execute({ keyId, ...quota, at }))
      const [row] = taken === undefined ? await guarded(() => read.execute({ keyId })) : [taken]
      return row === undefined ? null : { isTaken: taken !== undefined, used: row.used, since: row.since ?? at }
    }
  }
}
