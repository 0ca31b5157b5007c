import { eq, sql, type SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { PostgresDatabase, Tables } from './database.js'

/** The columns of a `ProfileRow`. */
export function profileColumns ({ profiles }: Tables) {
  return {
    id: profiles.id,
    userId: profiles.userId,
    maxKeys: profiles.maxKeys,
    canUseApi: profiles.canUseApi,
    canMakeKeys: profiles.canMakeKeys,
    lastAccessAt: profiles.lastAccessAt,
    createdAt: profiles.createdAt,
    group: profiles.group,
    scopes: profiles.scopes,
    expiryDefault: profiles.expiryDefault,
    expiryMax: profiles.expiryMax,
    rateMax: profiles.rateMax,
    rateWindow: profiles.rateWindow,
    quotaMax: profiles.quotaMax,
    quotaEvery: profiles.quotaEvery
  }
}

/** @internal Selects profiles as `ProfileRow`, with the last use of their keys. */
export function selectProfiles (db: PostgresDatabase, tables: Tables) {
  return db.select({ ...profileColumns(tables), lastAccessAt: lastAccess(tables) }).from(tables.profiles)
}

/**
 * When one of a profile's keys was last used: those that are there, or those that were pruned. By the keys' own rows, since to
 * write it on the profile too would double what is written of uses.
 */
export function lastAccess ({ profiles, keys, uses }: Tables): SQL<number | null> {
  return sql`greatest(last_access_at, (
    SELECT max(last_used_at) FROM ${uses} AS used JOIN ${keys} AS owned ON owned.id = key_id WHERE owned.profile_id = api_key_profiles.id))`
    .mapWith(profiles.lastAccessAt)
}

/** The columns of a `KeyRow`, from a key joined with its profile and, if it was used, its last use. */
function keyColumns ({ keys, profiles, uses }: Tables) {
  return {
    id: keys.id,
    profileId: keys.profileId,
    userId: profiles.userId,
    name: keys.name,
    start: keys.start,
    createdAt: keys.createdAt,
    lastUsedAt: uses.lastUsedAt,
    loggedIp: uses.loggedIp,
    revokedAt: keys.revokedAt,
    revokedReason: keys.revokedReason,
    scopes: keys.scopes,
    expiresAt: keys.expiresAt,
    enabled: keys.enabled,
    rotatedAt: keys.rotatedAt,
    previousUntil: keys.previousUntil,
    previousUsedAt: uses.previousUsedAt,
    allowedIps: keys.allowedIps,
    rateMax: keys.rateMax,
    rateWindow: keys.rateWindow,
    quotaMax: keys.quotaMax,
    quotaEvery: keys.quotaEvery,
    quotaUsed: keys.quotaUsed,
    quotaSince: keys.quotaSince,
    metadata: keys.metadata,
    deletedAt: profiles.deletedAt,
    group: profiles.group,
    profileQuotaMax: profiles.quotaMax,
    profileQuotaEvery: profiles.quotaEvery
  }
}

/** What an `AccessRow` has besides. */
export function accessColumns ({ profiles }: Tables) {
  return {
    canUseApi: profiles.canUseApi,
    profileScopes: profiles.scopes,
    profileRateMax: profiles.rateMax,
    profileRateWindow: profiles.rateWindow
  }
}

/** @internal Selects keys as `KeyRow`, with more columns if need be. Its type written out is larger than all others of the package together. */
export function selectKeys<T extends Record<string, PgColumn | SQL>> (db: PostgresDatabase, tables: Tables, more: T) {
  const { keys, profiles, uses } = tables
  return db.select({ ...keyColumns(tables), ...more })
    .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId)).leftJoin(uses, eq(uses.keyId, keys.id))
}

/** One of many values in a single parameter, so that the statement's text does not depend on how many there are. */
export function anyOf (column: PgColumn, values: readonly unknown[]): SQL {
  return sql`${column} = ANY (${sql.param(values)})`
}
