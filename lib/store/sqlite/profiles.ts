import { and, asc, eq, gt, gte, isNull, lte, sql } from 'drizzle-orm'
import type { Author } from '../bookkeeping.js'
import { different, keyRevoked, profileCreated, profileDeleted, profileUpdated } from '../remembering.js'
import type { ProfileFields, ProfileRow } from '../rows.js'
import type { Store } from '../store.js'
import { keyColumns, profileColumns, selectProfiles } from './columns.js'
import type { SqliteDatabase, Write } from './database.js'
import { guarded } from './failures.js'
import { remember } from './history.js'
import { keys, profiles, uses } from './schema.js'

/** The verbs of a store that are about profiles. */
export type ProfileVerbs = Pick<Store, 'ensureProfile' | 'getProfile' | 'listProfiles' | 'updateProfile' | 'deleteProfile'>

export function profileVerbs (db: SqliteDatabase, write: Write): ProfileVerbs {
  return {
    async ensureProfile (userId, fields, at, author) {
      return write(() => ensureProfile(db, userId, fields, at, author))
    },

    async getProfile (userId) {
      return guarded(() => findProfile(db, userId))
    },

    async listProfiles (cursor, limit, start) {
      return guarded(() => selectProfiles(db)
        .where(and(isNull(profiles.deletedAt), start === '' ? gt(profiles.id, cursor) : beginsWith(start, cursor)))
        .orderBy(start === '' ? asc(profiles.id) : sql`+${profiles.id}`).limit(limit).all())
    },

    async updateProfile (userId, fields, author) {
      return write(() => {
        const before = findProfile(db, userId)
        if (before === null) return null
        const changes = different(before, fields)
        const changed = Object.keys(changes).length > 0
        if (changed) {
          db.update(profiles).set(changes).where(eq(profiles.id, before.id)).run()
          remember(db, author, [profileUpdated(before, changes)])
        }
        return { row: { ...before, ...changes }, changed }
      })
    },

    async deleteProfile (userId, at, reason, author) {
      return write(() => deleteProfile(db, userId, at, reason, author))
    }
  }
}

function ensureProfile (db: SqliteDatabase, userId: string, fields: ProfileFields, at: number, author: Author | undefined) {
  const found = findProfile(db, userId)
  if (found !== null) return { row: found, created: false }
  const row = db.insert(profiles).values({ ...fields, userId, createdAt: at }).returning(profileColumns).get()
  remember(db, author, [profileCreated(row)])
  return { row, created: true }
}

function findProfile (db: SqliteDatabase, userId: string): ProfileRow | null {
  return selectProfiles(db).where(profileOf(userId)).get() ?? null
}

function deleteProfile (db: SqliteDatabase, userId: string, at: number, reason: string | null, author: Author | undefined) {
  const row = findProfile(db, userId)
  if (row === null) return null
  db.update(profiles).set({ deletedAt: at }).where(eq(profiles.id, row.id)).run()
  const live = and(eq(keys.profileId, row.id), isNull(keys.revokedAt))
  const revoked = db.select(keyColumns).from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId))
    .leftJoin(uses, eq(uses.keyId, keys.id)).where(live).all()
  const fields = { revokedAt: at, revokedReason: reason }
  db.update(keys).set(fields).where(live).run()
  const dead = revoked.map((key) => ({ ...key, ...fields }))
  remember(db, author, [...dead.map(keyRevoked), profileDeleted(row)])
  return { row, revoked: dead }
}

/** The user's profile, unless it was deleted. */
function profileOf (userId: string) {
  return and(eq(profiles.userId, userId), isNull(profiles.deletedAt))
}

/** The last of all characters, and how many of them an id may have at most. */
const LAST = '\u{10ffff}'
const MAX_ID = 255

/**
 * The users whose id begins with a text, by the range of their index. The sign keeps SQLite from going through all profiles
 * by their ids instead.
 */
function beginsWith (start: string, cursor: number) {
  return and(gte(profiles.userId, start), lte(profiles.userId, `${start}${LAST.repeat(MAX_ID)}`), sql`+${profiles.id} > ${cursor}`)
}
