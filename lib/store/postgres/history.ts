import { and, desc, eq, lt } from 'drizzle-orm'
import type { AccountStore, Author, HistoryDraft } from '../accounts.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** Entries in one statement, which may have so many parameters only. */
const CHUNK = 1000

/** Remembers changes, within the transaction that makes them. */
export async function remember (db: PostgresDatabase, { history }: Tables, author: Author | undefined, drafts: readonly HistoryDraft[]): Promise<void> {
  if (author === undefined) return
  for (let i = 0; i < drafts.length; i += CHUNK) {
    await db.insert(history).values(drafts.slice(i, i + CHUNK).map((draft) => ({ ...draft, ...author })))
  }
}

/** The verb of a store that tells what was remembered. */
export function historyVerb ({ tables: { history }, db }: Context): Pick<AccountStore, 'listHistory'> {
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
