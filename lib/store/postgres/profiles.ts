import { and, asc, eq, gt, isNull, sql } from 'drizzle-orm'
import type { Author } from '../bookkeeping.js'
import { toStartPattern } from '../patterns.js'
import { different, keyRevoked, profileCreated, profileDeleted, profileUpdated } from '../remembering.js'
import type { ProfileFields, ProfileRow } from '../rows.js'
import type { Store } from '../store.js'
import { anyOf, profileColumns, selectKeys, selectProfiles } from './columns.js'
import { remember } from './history.js'
import { guarded } from './connections.js'
import type { Context, PostgresDatabase, Tables } from './database.js'

/** The verbs of a store that are about profiles. */
export type ProfileVerbs = Pick<Store, 'ensureProfile' | 'getProfile' | 'listProfiles' | 'updateProfile' | 'deleteProfile'>

export function profileVerbs ({ tables, db, transaction, tell }: Context): ProfileVerbs {
  const { profiles, keys } = tables

  return {
    async ensureProfile (userId, fields, at, author) {
      return await transaction((db) => ensureProfile(db, tables, userId, fields, at, author))
    },

    async getProfile (userId) {
      return await guarded(() => findProfile(db, tables, userId))
    },

    async listProfiles (cursor, limit, start) {
      return await guarded(() => selectProfiles(db, tables)
        .where(and(isNull(profiles.deletedAt), start === '' ? gt(profiles.id, cursor) : beginsWith(tables, start, cursor)))
        .orderBy(start === '' ? asc(profiles.id) : sql`${profiles.id} + 0`).limit(limit))
    },

    async updateProfile (userId, fields, author) {
      const result = await transaction(async (db) => {
        const [before] = await selectProfiles(db, tables).where(profileOf(tables, userId)).for('no key update')
        if (before === undefined) return null
        const changes = different(before, fields)
        const changed = Object.keys(changes).length > 0
        if (changed) {
          await db.update(profiles).set(changes).where(eq(profiles.id, before.id))
          await remember(db, tables, author, [profileUpdated(before, changes)])
        }
        return { row: { ...before, ...changes }, changed }
      })
      if (result?.changed) tell({ profileId: result.row.id })
      return result
    },

    async deleteProfile (userId, at, reason, author) {
      const deleted = await transaction(async (db) => {
        const [row] = await selectProfiles(db, tables).where(profileOf(tables, userId)).for('no key update')
        if (row === undefined) return null
        await db.update(profiles).set({ deletedAt: at }).where(eq(profiles.id, row.id))
        const revoked = await db.update(keys).set({ revokedAt: at, revokedReason: reason })
          .where(and(eq(keys.profileId, row.id), isNull(keys.revokedAt))).returning({ id: keys.id })
        const dead = await selectKeys(db, tables, {}).where(anyOf(keys.id, revoked.map(({ id }) => id)))
        await remember(db, tables, author, [...dead.map(keyRevoked), profileDeleted(row)])
        return { row, revoked: dead }
      })
      if (deleted !== null) tell({ profileId: deleted.row.id })
      return deleted
    }
  }
}

/** Finds or makes a profile, also when others make it at the same time. */
async function ensureProfile (db: PostgresDatabase, tables: Tables, userId: string, fields: ProfileFields, at: number, author: Author | undefined) {
  // A profile found to be there may be deleted before it is read.
  for (;;) {
    const found = await findProfile(db, tables, userId)
    if (found !== null) return { row: found, created: false }
    const [row] = await db.insert(tables.profiles).values({ ...fields, userId, createdAt: at })
      .onConflictDoNothing({ target: tables.profiles.userId, where: sql`deleted_at IS NULL` }).returning(profileColumns(tables))
    if (row === undefined) continue
    await remember(db, tables, author, [profileCreated(row)])
    return { row, created: true }
  }
}

async function findProfile (db: PostgresDatabase, tables: Tables, userId: string): Promise<ProfileRow | null> {
  const [row] = await selectProfiles(db, tables).where(profileOf(tables, userId))
  return row ?? null
}

/** The user's profile, unless it was deleted. */
function profileOf ({ profiles }: Tables, userId: string) {
  return and(eq(profiles.userId, userId), isNull(profiles.deletedAt))
}

/** The users whose id begins with a text, by the index for that. The sum keeps PostgreSQL from going through all profiles by their ids instead. */
function beginsWith ({ profiles }: Tables, start: string, cursor: number) {
  return and(sql`${profiles.userId} LIKE ${toStartPattern(start)} ESCAPE '!'`, sql`${profiles.id} + 0 > ${cursor}`)
}
