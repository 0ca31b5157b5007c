import { and, desc, eq, lt, sql } from 'drizzle-orm'
import type { BookkeepingStore, Author, HistoryDraft } from '../bookkeeping.js'
import { prepareInsert, type SqliteDatabase } from './database.js'
import { guarded } from './failures.js'
import { history } from './schema.js'

/** Prepared once for each database, since thousands of keys may be made at once. */
const statements = new WeakMap<SqliteDatabase, ReturnType<typeof prepareEntries>>()

/** Remembers changes, within the transaction that makes them. */
export function remember (db: SqliteDatabase, author: Author | undefined, drafts: readonly HistoryDraft[]): void {
  if (author === undefined) return
  const insert = statements.get(db) ?? prepareEntries(db)
  statements.set(db, insert)
  insert(drafts, Array(drafts.length).fill(author))
}

function prepareEntries (db: SqliteDatabase) {
  const placeholder = sql.placeholder
  const row = {
    at: placeholder('at'),
    keyId: placeholder('keyId'),
    profileId: placeholder('profileId'),
    userId: placeholder('userId'),
    actor: placeholder('actor'),
    ip: placeholder('ip'),
    action: placeholder('action'),
    changes: placeholder('changes')
  }
  return prepareInsert<HistoryDraft>(db, (count) => db.insert(history).values(Array(count).fill(row)), 'throw')
}

/** The verb of a store that tells what was remembered. */
export function historyVerb (db: SqliteDatabase): Pick<BookkeepingStore, 'listHistory'> {
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
