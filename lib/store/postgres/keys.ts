import { and, desc, eq, isNull, sql, type SQL } from 'drizzle-orm'
import type { KeyRow, Store } from '../store.js'
import { selectKeys } from './columns.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** The verbs of a store that are about keys that exist. */
export type KeyVerbs = Pick<Store, 'findByDigest' | 'getKey' | 'listKeys' | 'renameKey' | 'revokeKey' | 'logoutKey'>

export function keyVerbs ({ tables, db, transaction, tell }: Context): KeyVerbs {
  const { keys, profiles, uses } = tables
  const byDigest = selectKeys(db, tables, { canUseApi: profiles.canUseApi })
    // A bare placeholder would not be encoded as the column's values are.
    .where(eq(keys.digest, sql.param(sql.placeholder('digest'), keys.digest))).prepare('by_digest')

  return {
    async findByDigest (digest) {
      const [row] = await guarded(() => byDigest.execute({ digest }))
      return row ?? null
    },

    async getKey (id) {
      return await guarded(() => findKey(db, tables, id))
    },

    async listKeys (userId) {
      return await guarded(() => selectKeys(db, tables, {}).where(eq(profiles.userId, userId))
        .orderBy(desc(keys.createdAt), desc(keys.id)))
    },

    async renameKey (id, name) {
      const renamed = await change(id, { name })
      return renamed?.row ?? null
    },

    async revokeKey (id, at) {
      return await change(id, { revokedAt: at }, isNull(keys.revokedAt))
    },

    async logoutKey (id, at) {
      if (!canExist(id)) return null
      return await transaction(async (db) => {
        const [locked] = await db.select({ digest: keys.digest }).from(keys).where(eq(keys.id, id)).for('no key update')
        const row = await findKey(db, tables, id)
        if (locked === undefined || row === null) return null
        const ended = { loggedIp: null, loggedOutAt: at }
        await db.insert(uses).values({ keyId: id, ...ended }).onConflictDoUpdate({ target: uses.keyId, set: ended })
        return { row: { ...row, loggedIp: null }, digest: locked.digest, changed: row.loggedIp !== null }
      })
    }
  }

  /** Changes a key on a condition and tells of it. `changed` is false when the condition did not hold. */
  async function change (id: string, fields: { name?: string, revokedAt?: number }, condition?: SQL) {
    if (!canExist(id)) return null
    const { digest, row } = await transaction(async (db) => {
      const [changed] = await db.update(keys).set(fields).where(and(eq(keys.id, id), condition)).returning({ digest: keys.digest })
      return { digest: changed?.digest, row: await findKey(db, tables, id) }
    })
    if (digest !== undefined) tell({ digest })
    return row === null ? null : { row, changed: digest !== undefined }
  }
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
