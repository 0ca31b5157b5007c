import { and, asc, eq, inArray, isNull, sql, type SQL } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/pg-core'
import { keyChanged, keyRevoked } from '../remembering.js'
import type { Author } from '../bookkeeping.js'
import type { KeyRow, StoredKey } from '../rows.js'
import type { ChangeOptions, Decide, Store } from '../store.js'
import { lockActing } from './acting.js'
import { accessColumns, anyOf, profileColumns, selectKeys } from './columns.js'
import { remember } from './history.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** The verbs of a store that are about keys that exist. */
export type KeyVerbs = Pick<Store, 'findByDigest' | 'getKey' | 'changeKey' | 'revokeKeys' | 'logoutKey'>

export function keyVerbs ({ tables, db, transaction, tell }: Context): KeyVerbs {
  const { keys, uses } = tables
  // A bare placeholder would not be encoded as the column's values are.
  const wanted = sql.param(sql.placeholder('digest'), keys.digest)
  const select = (isPrevious: SQL<boolean>) => selectKeys(db, tables, { ...accessColumns(tables), isPrevious })
  // One statement for both secrets: what is unknown costs one round trip. It ends where the first finds the key.
  const byDigest = unionAll(
    select(sql`false`).where(eq(keys.digest, wanted)), select(sql`true`).where(eq(keys.previousDigest, wanted))
  ).limit(1).prepare('by_digest')

  return {
    async findByDigest (digest) {
      const [row] = await guarded(() => byDigest.execute({ digest }))
      return row ?? null
    },

    async getKey (id) {
      return await guarded(() => findKey(db, tables, id))
    },

    async changeKey (id, decide, author, options = {}) {
      if (!canExist(id)) return null
      const result = await transaction((db) => changeKey(db, tables, id, decide, author, options))
      if (result === null || 'error' in result) return result
      const { before, row, changed } = result
      if (changed) for (const digest of [before.digest, before.previousDigest]) if (digest !== null) tell({ digest })
      return { row, changed }
    },

    async revokeKeys (userId, at, reason, author) {
      const revoked = await transaction((db) => revokeKeys(db, tables, userId, at, reason, author))
      for (const profileId of new Set(revoked.map(({ profileId }) => profileId))) tell({ profileId })
      return revoked
    },

    async logoutKey (id, at) {
      if (!canExist(id)) return null
      return await transaction(async (db) => {
        const key = await lockKey(db, tables, id)
        if (key === null) return null
        const ended = { loggedIp: null, loggedOutAt: at }
        await db.insert(uses).values({ keyId: id, ...ended }).onConflictDoUpdate({ target: uses.keyId, set: ended })
        const { digest, previousDigest, ...row } = key
        return { row: { ...row, loggedIp: null }, digests: [digest, previousDigest], changed: row.loggedIp !== null }
      })
    }
  }
}

/**
 * Changes a key. Everybody who needs both locks the profile before its keys, so that no two wait for each other, and alone: of those who share a
 * lock each new one passes whoever waits for it alone.
 */
async function changeKey (db: PostgresDatabase, tables: Tables, id: string, decide: Decide, author: Author | undefined, { acting, leavesProfile = false }: ChangeOptions) {
  const { keys, profiles } = tables
  const owner = db.select({ id: keys.profileId }).from(keys).where(eq(keys.id, id))
  const found = db.select(profileColumns(tables)).from(profiles).where(inArray(profiles.id, owner))
  const [profile] = await (leavesProfile ? found : found.for('no key update'))
  const before = await lockKey(db, tables, id)
  if (before === null || profile === undefined) return null
  const fields = decide(before, profile, acting === undefined ? null : await lockActing(db, tables, acting))
  if (fields instanceof Error) return { error: fields }
  const changed = Object.keys(fields).length > 0
  if (changed) {
    await db.update(keys).set(fields).where(eq(keys.id, id))
    await remember(db, tables, author, [keyChanged(before, fields)])
  }
  const { digest, previousDigest, ...row } = { ...before, ...fields }
  return { before, row, changed }
}

async function revokeKeys (db: PostgresDatabase, tables: Tables, userId: string, at: number, reason: string | null, author: Author | undefined): Promise<KeyRow[]> {
  const { keys, profiles } = tables
  // Waits for keys that are just being made, which the next statement sees.
  const owned = await db.select({ id: profiles.id }).from(profiles).where(eq(profiles.userId, userId)).orderBy(asc(profiles.id)).for('no key update')
  const changed = await db.update(keys).set({ revokedAt: at, revokedReason: reason })
    .where(and(anyOf(keys.profileId, owned.map(({ id }) => id)), isNull(keys.revokedAt))).returning({ id: keys.id })
  if (changed.length === 0) return []
  const rows = await selectKeys(db, tables, {}).where(anyOf(keys.id, changed.map(({ id }) => id))).orderBy(asc(keys.id))
  await remember(db, tables, author, rows.map(keyRevoked))
  return rows
}

/** Reads a key that nobody else changes then until the transaction ends. In two statements, as the one that locks saw what was there before it waited. */
async function lockKey (db: PostgresDatabase, tables: Tables, id: string): Promise<StoredKey | null> {
  const { keys } = tables
  const [digests] = await db.select({ digest: keys.digest, previousDigest: keys.previousDigest }).from(keys).where(eq(keys.id, id)).for('no key update')
  const row = await findKey(db, tables, id)
  return digests === undefined || row === null ? null : { ...row, ...digests }
}

async function findKey (db: PostgresDatabase, tables: Tables, id: string): Promise<KeyRow | null> {
  if (!canExist(id)) return null
  const [row] = await selectKeys(db, tables, {}).where(eq(tables.keys.id, id))
  return row ?? null
}

/** PostgreSQL takes a NUL in a text for an error, where other engines find nothing. */
function canExist (id: string): boolean {
  return !id.includes('\0')
}
