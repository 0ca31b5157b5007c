import { and, asc, desc, eq, gt, isNotNull, isNull, lt, lte, or, sql, type SQL } from 'drizzle-orm'
import type { KeyQuery, Store } from '../store.js'
import { toPattern } from '../patterns.js'
import { selectKeys } from './columns.js'
import { guarded } from './connections.js'
import type { Context, Tables } from './database.js'

/** The verbs of a store that list keys. */
export type ListingVerbs = Pick<Store, 'listKeys' | 'findKeys' | 'countKeys' | 'listExpiring'>

export function listingVerbs ({ tables, db }: Context): ListingVerbs {
  const { keys, profiles } = tables

  return {
    async listKeys (userId) {
      return await guarded(() => selectKeys(db, tables, {}).where(eq(profiles.userId, userId))
        .orderBy(desc(keys.createdAt), desc(keys.id)))
    },

    async findKeys (query) {
      return await guarded(() => selectKeys(db, tables, {}).where(and(eq(profiles.userId, query.userId), ...conditionsOf(tables, query)))
        .orderBy(desc(keys.id)).limit(query.limit))
    },

    async countKeys (userId, at) {
      const [counts] = await guarded(() => db
        .select({ live: sql<number>`(count(*) FILTER (WHERE ${isLive(tables, at)}))::integer`, all: sql<number>`count(*)::integer` })
        .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId)).where(eq(profiles.userId, userId)))
      return counts as { live: number, all: number }
    },

    async listExpiring (after, until) {
      return await guarded(() => selectKeys(db, tables, {}).where(and(gt(keys.expiresAt, after), lte(keys.expiresAt, until), isNull(keys.revokedAt), isNull(profiles.deletedAt)))
        .orderBy(asc(keys.expiresAt), asc(keys.id)))
    }
  }
}

function conditionsOf (tables: Tables, { text, live, at, before }: KeyQuery): (SQL | undefined)[] {
  const { keys, profiles } = tables
  return [
    text === undefined ? undefined : sql`(${keys.name} ILIKE ${toPattern(text)} ESCAPE '!' OR starts_with(${keys.start}, ${text}))`,
    live === undefined ? undefined : live ? isLive(tables, at) : or(isNotNull(keys.revokedAt), isNotNull(profiles.deletedAt), lte(keys.expiresAt, at)),
    before === undefined ? undefined : lt(keys.id, before)
  ]
}

function isLive ({ keys, profiles }: Tables, at: number): SQL | undefined {
  return and(isNull(keys.revokedAt), isNull(profiles.deletedAt), or(isNull(keys.expiresAt), gt(keys.expiresAt, at)))
}
