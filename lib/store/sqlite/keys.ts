import { and, desc, eq, isNull, lte, or, sql } from 'drizzle-orm'
import type { KeyRow, Store, Use } from '../store.js'
import { keyColumns } from './columns.js'
import { prepareBulk, type SqliteDatabase, type Write } from './database.js'
import { guarded } from './failures.js'
import { keys, profiles } from './schema.js'

/** The verbs of a store that are about keys that exist. */
export type KeyVerbs = Pick<Store, 'findByDigest' | 'getKey' | 'listKeys' | 'renameKey' | 'revokeKey' | 'logoutKey' | 'saveUses'>

export function keyVerbs (db: SqliteDatabase, write: Write, writeUses: Write): KeyVerbs {
  const byDigest = db.select({ ...keyColumns, userId: profiles.userId, canUseApi: profiles.canUseApi })
    .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId))
    // A bare placeholder would not be encoded as the column's values are.
    .where(eq(keys.digest, sql.param(sql.placeholder('digest'), keys.digest))).prepare()
  const saveAll = prepareSaveUses(db)

  return {
    findByDigest (digest) {
      return guarded(() => byDigest.get({ digest }) ?? null)
    },

    async getKey (id) {
      return guarded(() => findKey(db, id))
    },

    async listKeys (userId) {
      return guarded(() => selectKeys(db).where(eq(profiles.userId, userId))
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
        const before = db.select({ digest: keys.digest, loggedIp: keys.loggedIp }).from(keys).where(eq(keys.id, id)).get()
        db.update(keys).set({ loggedIp: null, loggedOutAt: at }).where(eq(keys.id, id)).run()
        const row = findKey(db, id)
        return before === undefined || row === null ? null : { row, digest: before.digest, changed: before.loggedIp !== null }
      })
    },

    async saveUses (uses) {
      writeUses(() => saveAll(uses))
    }
  }
}

function selectKeys (db: SqliteDatabase) {
  return db.select({ ...keyColumns, userId: profiles.userId })
    .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId)).$dynamic()
}

function findKey (db: SqliteDatabase, id: string): KeyRow | null {
  return selectKeys(db).where(eq(keys.id, id)).get() ?? null
}

function prepareSaveUses (db: SqliteDatabase): (uses: readonly Use[]) => void {
  const at = sql.placeholder('at')
  const saveUse = prepareBulk(db, db.update(keys)
    .set({
      lastUsedAt: sql`${at}`,
      loggedIp: sql`CASE WHEN ${keys.loggedOutAt} > ${at} THEN ${keys.loggedIp} ELSE ${sql.placeholder('ip')} END`
    })
    .where(and(eq(keys.id, sql.placeholder('keyId')), or(isNull(keys.lastUsedAt), lte(keys.lastUsedAt, at)))))
  const saveAccess = prepareBulk(db, db.update(profiles).set({ lastAccessAt: sql`${at}` })
    .where(and(eq(profiles.id, sql.placeholder('profileId')), or(isNull(profiles.lastAccessAt), lte(profiles.lastAccessAt, at)))))

  return (uses) => {
    const accesses = new Map<number, number>()
    for (const use of uses) {
      saveUse({ ...use })
      accesses.set(use.profileId, Math.max(use.at, accesses.get(use.profileId) ?? 0))
    }
    for (const [profileId, at] of accesses) saveAccess({ profileId, at })
  }
}
