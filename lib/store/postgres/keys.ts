import { and, desc, eq, isNull, sql, type SQL } from 'drizzle-orm'
import type { KeyRow, Store } from '../store.js'
import { keyColumns } from './columns.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** The verbs of a store that are about keys that exist. */
export type KeyVerbs = Pick<Store, 'findByDigest' | 'getKey' | 'listKeys' | 'renameKey' | 'revokeKey' | 'logoutKey'>

export function keyVerbs ({ tables, db, changes, transaction, tell }: Context): KeyVerbs {
  const { keys, profiles } = tables
  const byDigest = db.select({ ...keyColumns(tables), userId: profiles.userId, canUseApi: profiles.canUseApi })
    .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId))
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
      return await guarded(() => selectKeys(db, tables).where(eq(profiles.userId, userId))
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
        const [before] = await db.select({ digest: keys.digest, loggedIp: keys.loggedIp }).from(keys).where(eq(keys.id, id)).for('no key update')
        await db.update(keys).set({ loggedIp: null, loggedOutAt: at }).where(eq(keys.id, id))
        const row = await findKey(db, tables, id)
        return before === undefined || row === null ? null : { row, digest: before.digest, changed: before.loggedIp !== null }
      })
    }
  }

  /** Changes a key on a condition and tells of it. `changed` is false when the condition did not hold. */
  async function change (id: string, fields: { name?: string, revokedAt?: number }, condition?: SQL) {
    if (!canExist(id)) return null
    const [changed] = await guarded(() => changes.update(keys).set(fields).from(profiles)
      .where(and(eq(keys.id, id), condition, eq(profiles.id, keys.profileId)))
      .returning({ row: { ...keyColumns(tables), userId: profiles.userId }, digest: keys.digest }))
    if (changed !== undefined) tell({ digest: changed.digest })
    const row = changed?.row ?? await guarded(() => findKey(db, tables, id))
    return row === null ? null : { row, changed: changed !== undefined }
  }
}

function selectKeys (db: PostgresDatabase, tables: Tables) {
  return db.select({ ...keyColumns(tables), userId: tables.profiles.userId })
    .from(tables.keys).innerJoin(tables.profiles, eq(tables.profiles.id, tables.keys.profileId)).$dynamic()
}

async function findKey (db: PostgresDatabase, tables: Tables, id: string): Promise<KeyRow | null> {
  if (!canExist(id)) return null
  const [row] = await selectKeys(db, tables).where(eq(tables.keys.id, id))
  return row ?? null
}

/** PostgreSQL takes a NUL in a text for an error, where other engines find nothing. */
function canExist (id: string): boolean {
  return !id.includes('\0')
}
