import { and, eq, inArray, isNull } from 'drizzle-orm'
import { keyChanged, keyRevoked } from '../remembering.js'
import type { KeyRow } from '../rows.js'
import type { Store } from '../store.js'
import { profileColumns, selectKeys, storedColumns } from './columns.js'
import type { SqliteDatabase, Write } from './database.js'
import { guarded } from './failures.js'
import { remember } from './history.js'
import type { LookUp } from './look-up.js'
import { keys, profiles, uses } from './schema.js'

/** The verbs of a store that are about keys that exist. */
export type KeyVerbs = Pick<Store, 'findByDigest' | 'getKey' | 'changeKey' | 'revokeKeys' | 'logoutKey'>

export function keyVerbs (db: SqliteDatabase, write: Write, lookUp: LookUp): KeyVerbs {
  return {
    findByDigest (digest) {
      return guarded(() => lookUp(digest))
    },

    async getKey (id) {
      return guarded(() => findKey(db, id))
    },

    async changeKey (id, decide, author, { acting } = {}) {
      return write(() => {
        const stored = selectKeys(db, storedColumns).where(eq(keys.id, id)).get()
        const profile = db.select(profileColumns).from(profiles).where(eq(profiles.id, stored?.profileId ?? -1)).get()
        if (stored === undefined || profile === undefined) return null
        const fields = decide(stored, profile, acting === undefined ? null : lookUp(acting))
        if (fields instanceof Error) return { error: fields }
        const changed = Object.keys(fields).length > 0
        if (changed) {
          db.update(keys).set(fields).where(eq(keys.id, id)).run()
          remember(db, author, [keyChanged(stored, fields)])
        }
        const { digest, previousDigest, ...row } = { ...stored, ...fields }
        return { row, changed }
      })
    },

    async revokeKeys (userId, at, reason, author) {
      return write(() => {
        const live = selectKeys(db, {}).where(and(eq(profiles.userId, userId), isNull(keys.revokedAt))).all()
        const fields = { revokedAt: at, revokedReason: reason }
        const owned = db.select({ id: profiles.id }).from(profiles).where(eq(profiles.userId, userId))
        db.update(keys).set(fields).where(and(inArray(keys.profileId, owned), isNull(keys.revokedAt))).run()
        const revoked = live.map((key) => ({ ...key, ...fields }))
        remember(db, author, revoked.map(keyRevoked))
        return revoked
      })
    },

    async logoutKey (id, at) {
      return write(() => {
        const before = selectKeys(db, storedColumns).where(eq(keys.id, id)).get()
        if (before === undefined) return null
        const ended = { loggedIp: null, loggedOutAt: at }
        db.insert(uses).values({ keyId: id, ...ended }).onConflictDoUpdate({ target: uses.keyId, set: ended }).run()
        const { digest, previousDigest, ...row } = before
        return { row: { ...row, loggedIp: null }, digests: [digest, previousDigest], changed: row.loggedIp !== null }
      })
    }
  }
}

function findKey (db: SqliteDatabase, id: string): KeyRow | null {
  return selectKeys(db, {}).where(eq(keys.id, id)).get() ?? null
}
