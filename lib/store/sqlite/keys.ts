import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import type { KeyRow, Store } from '../store.js'
import { keyColumns } from './columns.js'
import type { SqliteDatabase, Write } from './database.js'
import { guarded } from './failures.js'
import { keys, profiles, uses } from './schema.js'

/** The verbs of a store that are about keys that exist. */
export type KeyVerbs = Pick<Store, 'findByDigest' | 'getKey' | 'listKeys' | 'renameKey' | 'revokeKey' | 'logoutKey'>

export function keyVerbs (db: SqliteDatabase, write: Write): KeyVerbs {
  const byDigest = selectKeys(db, { canUseApi: profiles.canUseApi })
    // A bare placeholder would not be encoded as the column's values are.
    .where(eq(keys.digest, sql.param(sql.placeholder('digest'), keys.digest))).prepare()

  return {
    findByDigest (digest) {
      return guarded(() => byDigest.get({ digest }) ?? null)
    },

    async getKey (id) {
      return guarded(() => findKey(db, id))
    },

    async listKeys (userId) {
      return guarded(() => selectKeys(db, {}).where(eq(profiles.userId, userId))
        .orderBy(desc(keys.createdAt), desc(keys.id)).all())
    },

    async renameKey (id, name) {
      return write(() => {
        db.update(keys).set({ name }).where(eq(keys.id, id)).run()
        return findKey(db, id)
      })
    },

    async revokeKey (id, at) {
      return write(() => {
        const { changes } = db.update(keys).set({ revokedAt: at }).where(and(eq(keys.id, id), isNull(keys.revokedAt))).run()
        const row = findKey(db, id)
        return row === null ? null : { row, changed: changes > 0 }
      })
    },

    async logoutKey (id, at) {
      return write(() => {
        const before = selectKeys(db, { digest: keys.digest }).where(eq(keys.id, id)).get()
        if (before === undefined) return null
        const ended = { loggedIp: null, loggedOutAt: at }
        db.insert(uses).values({ keyId: id, ...ended }).onConflictDoUpdate({ target: uses.keyId, set: ended }).run()
        const { digest, ...row } = before
        return { row: { ...row, loggedIp: null }, digest, changed: row.loggedIp !== null }
      })
    }
  }
}

function selectKeys<T extends Record<string, typeof keys.digest | typeof profiles.canUseApi>> (db: SqliteDatabase, more: T) {
  return db.select({ ...keyColumns, ...more })
    .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId)).leftJoin(uses, eq(uses.keyId, keys.id))
}

function findKey (db: SqliteDatabase, id: string): KeyRow | null {
  return selectKeys(db, {}).where(eq(keys.id, id)).get() ?? null
}
