import { and, asc, desc, eq, gt, isNotNull, isNull, lt, lte, or, sql, type SQL } from 'drizzle-orm'
import type { KeyQuery, Store } from '../store.js'
import { toPattern } from '../patterns.js'
import { selectKeys } from './columns.js'
import type { SqliteDatabase } from './database.js'
import { guarded } from './failures.js'
import { keys, profiles } from './schema.js'

/** The verbs of a store that list keys. */
export type ListingVerbs = Pick<Store, 'listKeys' | 'findKeys' | 'countKeys' | 'listExpiring'>

export function listingVerbs (db: SqliteDatabase): ListingVerbs {
  return {
    async listKeys (userId) {
      return guarded(() => selectKeys(db, {}).where(eq(profiles.userId, userId))
        .orderBy(desc(keys.createdAt), desc(keys.id)).all())
    },

    async findKeys (query) {
      return guarded(() => selectKeys(db, {}).where(and(eq(profiles.userId, query.userId), ...conditionsOf(query)))
        .orderBy(desc(keys.id)).limit(query.limit).all())
    },

    async countKeys (userId, at) {
      const [counts] = guarded(() => db.select({ live: sql<number>`count(*) FILTER (WHERE ${isLive(at)})`, all: sql<number>`count(*)` })
        .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId)).where(eq(profiles.userId, userId)).all())
      return counts as { live: number, all: number }
    },

    async listExpiring (after, until) {
      return guarded(() => selectKeys(db, {}).where(and(gt(keys.expiresAt, after), lte(keys.expiresAt, until), isNull(keys.revokedAt), isNull(profiles.deletedAt)))
        .orderBy(asc(keys.expiresAt), asc(keys.id)).all())
    }
  }
}

function conditionsOf ({ text, live, at, before }: KeyQuery): (SQL | undefined)[] {
  return [
    text === undefined ? undefined : sql`(${keys.name} LIKE ${toPattern(text)} ESCAPE '!' OR substr(${keys.start}, 1, length(${text})) = ${text})`,
    live === undefined ? undefined : live ? isLive(at) : or(isNotNull(keys.revokedAt), isNotNull(profiles.deletedAt), lte(keys.expiresAt, at)),
    before === undefined ? undefined : lt(keys.id, before)
  ]
}

function isLive (at: number): SQL | undefined {
  return and(isNull(keys.revokedAt), isNull(profiles.deletedAt), or(isNull(keys.expiresAt), gt(keys.expiresAt, at)))
}
