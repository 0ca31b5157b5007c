import { and, desc, eq, lt, sql } from 'drizzle-orm'
import type { AccountStore, Author, HistoryDraft } from '../accounts.js'
import { prepareBulk, type SqliteDatabase } from './database.js'
import { guarded } from './failures.js'
import { history } from './schema.js'

/** Prepared once for each database, since thousands of keys may be made at once. */
const statements = new WeakMap<SqliteDatabase, ReturnType<typeof prepareInsert>>()

/** Remembers changes, within the transaction that makes them. */
export function remember (db: SqliteDatabase, author: Author | undefined, drafts: readonly HistoryDraft[]): void {
  if (author === undefined) return
  const insert = statements.get(db) ?? prepareInsert(db)
  statements.set(db, insert)
  for (const draft of drafts) insert({ ...draft, ...author })
}

function prepareInsert (db: SqliteDatabase) {
  const placeholder = sql.placeholder
  return prepareBulk(db, db.insert(history).values({
    at: placeholder('at'),
    keyId: placeholder('keyId'),
    profileId: placeholder('profileId'),
    userId: placeholder('userId'),
    actor: placeholder('actor'),
    ip: placeholder('ip'),
    action: placeholder('action'),
    changes: placeholder('changes')
  }))
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
