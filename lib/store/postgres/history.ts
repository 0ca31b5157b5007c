import { and, desc, eq, lt, sql } from 'drizzle-orm'
import type { BookkeepingStore, Author, HistoryDraft } from '../bookkeeping.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** Entries in one statement, so that none runs for long. */
const CHUNK = 5000

/** Remembers changes, within the transaction that makes them. */
export async function remember (db: PostgresDatabase, { history }: Tables, author: Author | undefined, drafts: readonly HistoryDraft[]): Promise<void> {
  if (author === undefined) return
  const { at, actor, ip } = author
  for (let i = 0; i < drafts.length; i += CHUNK) {
    const chunk = drafts.slice(i, i + CHUNK)
    const column = (value: (draft: HistoryDraft) => unknown) => sql.param(chunk.map(value))
    // As arrays. A parameter for each value takes Drizzle and the driver several times as long.
    await db.execute(sql`
      INSERT INTO ${history} (at, key_id, profile_id, user_id, actor, ip, action, changes)
      SELECT ${at}::bigint, key_id, profile_id, user_id, ${actor}::text, ${ip}::text, action, changes
      FROM unnest(${column(({ keyId }) => keyId)}::text[], ${column(({ profileId }) => profileId)}::bigint[],
        ${column(({ userId }) => userId)}::text[], ${column(({ action }) => action)}::text[],
        ${column(({ changes }) => changes === null ? null : JSON.stringify(changes))}::jsonb[])
        WITH ORDINALITY AS entry (key_id, profile_id, user_id, action, changes, position)
      ORDER BY position`)
  }
}

/** The verb of a store that tells what was remembered. */
export function historyVerb ({ tables: { history }, db }: Context): Pick<BookkeepingStore, 'listHistory'> {
  return {
    async listHistory ({ keyId, userId, before, limit }) {
      // PostgreSQL takes a NUL in a text for an error, where other engines find nothing.
      if (`${keyId}${userId}`.includes('\0')) return []
      return await guarded(() => db.select().from(history).where(and(
        keyId === undefined ? undefined : eq(history.keyId, keyId),
        userId === undefined ? undefined : eq(history.userId, userId),
        before === undefined ? undefined : lt(history.id, before)
      )).orderBy(desc(history.id)).limit(limit))
    }
  }
}
