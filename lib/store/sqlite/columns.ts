import { eq, sql, type SQL } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { SqliteDatabase } from './database.js'
import { keys, profiles, uses } from './schema.js'

/** The columns of a `ProfileRow`. */
export const profileColumns = {
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

/** @internal Selects profiles as `ProfileRow`, with the last use of their keys. */
export function selectProfiles (db: SqliteDatabase) {
  return db.select({ ...profileColumns, lastAccessAt: lastAccess }).from(profiles)
}

/**
 * When one of a profile's keys was last used: those that are there, or those that were pruned. By the keys' own rows, since to
 * write it on the profile too would double what is written of uses.
 */
export const lastAccess = sql<number | null>`nullif(max(coalesce(last_access_at, 0), coalesce((
  SELECT max(last_used_at) FROM api_key_uses JOIN api_keys ON api_keys.id = key_id WHERE profile_id = api_key_profiles.id), 0)), 0)`

/** The columns of a `KeyRow`, from a key joined with its profile and, if it was used, its last use. */
export const keyColumns = {
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

/** What an `AccessRow` has besides. */
export const accessColumns = {
  canUseApi: profiles.canUseApi,
  profileScopes: profiles.scopes,
  profileRateMax: profiles.rateMax,
  profileRateWindow: profiles.rateWindow
}

/** What a `StoredKey` has besides. */
export const storedColumns = { digest: keys.digest, previousDigest: keys.previousDigest }

/** @internal Selects keys as `KeyRow`, with more columns if need be. Its type written out is larger than all others of the package together. */
export function selectKeys<T extends Record<string, SQLiteColumn | SQL>> (db: SqliteDatabase, more: T) {
  return db.select({ ...keyColumns, ...more })
    .from(keys).innerJoin(profiles, eq(profiles.id, keys.profileId)).leftJoin(uses, eq(uses.keyId, keys.id))
}
