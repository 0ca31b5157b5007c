import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm'
import type { ProfileFields, ProfileRow, Store } from '../store.js'
import { anyOf, profileColumns, selectKeys } from './columns.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** The verbs of a store that are about profiles. */
export type ProfileVerbs = Pick<Store, 'ensureProfile' | 'getProfile' | 'listProfiles' | 'updateProfile' | 'deleteProfile'>

export function profileVerbs ({ tables, db, transaction, tell }: Context): ProfileVerbs {
  const { profiles, keys } = tables
  const columns = profileColumns(tables)

  return {
    async ensureProfile (userId, fields, at) {
      return await transaction((db) => ensureProfile(db, tables, userId, fields, at))
    },

    async getProfile (userId) {
      return await guarded(() => findProfile(db, tables, userId))
    },

    async listProfiles (cursor, limit) {
      return await guarded(() => db.select(columns).from(profiles)
        .where(and(gt(profiles.id, cursor), isNull(profiles.deletedAt))).orderBy(asc(profiles.id)).limit(limit))
    },

    async updateProfile (userId, fields) {
      if (Object.keys(fields).length === 0) return await guarded(() => findProfile(db, tables, userId))
      const [row] = await transaction((db) => db.update(profiles).set(fields).where(profileOf(tables, userId)).returning(columns))
      if (row !== undefined) tell({ profileId: row.id })
      return row ?? null
    },

    async deleteProfile (userId, at, reason) {
      const deleted = await transaction(async (db) => {
        const [row] = await db.update(profiles).set({ deletedAt: at }).where(profileOf(tables, userId)).returning(columns)
        if (row === undefined) return null
        const revoked = await db.update(keys).set({ revokedAt: at, revokedReason: reason })
          .where(and(eq(keys.profileId, row.id), isNull(keys.revokedAt))).returning({ id: keys.id })
        return { row, revoked: await selectKeys(db, tables, {}).where(anyOf(keys.id, revoked.map(({ id }) => id))) }
      })
      if (deleted !== null) tell({ profileId: deleted.row.id })
      return deleted
    }
  }
}

/** Finds or makes a profile, also when others make it at the same time. */
async function ensureProfile (db: PostgresDatabase, tables: Tables, userId: string, fields: ProfileFields, at: number) {
  // A profile found to be there may be deleted before it is read.
  for (;;) {
    const found = await findProfile(db, tables, userId)
    if (found !== null) return { row: found, created: false }
    const [row] = await db.insert(tables.profiles).values({ ...fields, userId, createdAt: at })
      .onConflictDoNothing({ target: tables.profiles.userId, where: sql`deleted_at IS NULL` }).returning(profileColumns(tables))
    if (row !== undefined) return { row, created: true }
  }
}

async function findProfile (db: PostgresDatabase, tables: Tables, userId: string): Promise<ProfileRow | null> {
  const [row] = await db.select(profileColumns(tables)).from(tables.profiles).where(profileOf(tables, userId))
  return row ?? null
}

/** The user's profile, unless it was deleted. */
function profileOf ({ profiles }: Tables, userId: string) {
  return and(eq(profiles.userId, userId), isNull(profiles.deletedAt))
}
