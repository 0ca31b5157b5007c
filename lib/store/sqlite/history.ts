import { and, desc, eq, lt } from 'drizzle-orm'
import type { AccountStore, Author, HistoryDraft } from '../accounts.js'
import type { SqliteDatabase } from './database.js'
import { guarded } from './failures.js'
import { history } from './schema.js'

/** Entries in one statement, which may have so many parameters only. */
const CHUNK = 1000

/** Remembers changes, within the transaction that makes them. */
export function remember (db: SqliteDatabase, author: Author | undefined, drafts: readonly HistoryDraft[]): void {
  if (author === undefined) return
  for (let i = 0; i < drafts.length; i += CHUNK) {
    db.insert(history).values(drafts.slice(i, i + CHUNK).map((draft) => ({ ...draft, ...author }))).run()
  }
}

/** The verb of a store that tells what was remembered. */
export function historyVerb (db: SqliteDatabase): Pick<AccountStore, 'listHistory'> {
  return {
    async listHistory ({ keyId, userId, before, limit }) {
      return guarded(() => db.select().from(history).where(and(
        keyId === undefined ? undefined : eq(history.keyId, keyId),
        userId === undefined ? undefined : eq(history.userId, userId),
        before === undefined ? undefined : lt(history.id, before)
      )).orderBy(desc(history.id)).limit(limit).all())
    }
  }
}
