import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import type { KeyRow, Store } from '../store.js'
import { keyColumns } from './columns.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** The verbs of a store that are about keys that exist. */
export type KeyVerbs = Pick<Store, 'findByDigest' | 'getKey' | 'listKeys' | 'renameKey' | 'revokeKey' | 'logoutKey'>

export function keyVerbs ({ tables, db, transaction, tell }: Context): KeyVerbs {
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
      const renamed = await change(id, (db) => db.update(keys).set({ name }).where(eq(keys.id, id)).returning({ digest: keys.digest }))
      return renamed?.row ?? null
    },

    async revokeKey (id, at) {
      return await change(id, (db) => db.update(keys).set({ revokedAt: at })
        .where(and(eq(keys.id, id), isNull(keys.revokedAt))).returning({ digest: keys.digest }))
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

  /** Changes a key and tells of it. `changed` is false when the statement found nothing to change. */
  async function change (id: string, statement: (db: PostgresDatabase) => Promise<{ digest: string }[]>) {
    if (!canExist(id)) return null
    const { row, touched } = await transaction(async (db) => {
      const touched = await statement(db)
      return { row: await findKey(db, tables, id), touched }
    })
    touched.forEach(tell)
    return row === null ? null : { row, changed: touched.length > 0 }
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
