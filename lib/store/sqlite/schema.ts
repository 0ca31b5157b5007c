import { sql } from 'drizzle-orm'
import { check, customType, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/*
 * The tables for SQLite. Applications find them in `lib/schema`, by longer names. Times are milliseconds since the epoch.
 */

/** 32 bytes, in JavaScript a latin1 string of 32 characters. */
const digest = customType<{ data: string, driverData: Buffer }>({
  dataType: () => 'blob',
  toDriver: (value) => Buffer.from(value, 'latin1'),
  fromDriver: (value) => value.toString('latin1')
})

/** A user's standing with the API; one for each user that is not deleted. */
export const profiles = sqliteTable('api_key_profiles', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  userId: text('user_id').notNull(),
  /** Live keys it may hold, -1 for unlimited; null follows the plugin's option. */
  maxKeys: integer('max_keys'),
  /** Whether its keys are accepted; null is yes. */
  canUseApi: integer('can_use_api', { mode: 'boolean' }),
  /** Whether it may hold new keys; null is yes. */
  canMakeKeys: integer('can_make_keys', { mode: 'boolean' }),
  lastAccessAt: integer('last_access_at'),
  createdAt: integer('created_at').notNull(),
  deletedAt: integer('deleted_at'),
  /** One of the plugin's groups. */
  group: text('group_name'),
  /** What its keys may have at most; null follows the group. */
  scopes: text('scopes', { mode: 'json' }).$type<readonly string[]>(),
  /** Life of new keys that say nothing themselves, and the longest life of keys, in milliseconds; 0 is without end, null follows the group. */
  expiryDefault: integer('expiry_default'),
  expiryMax: integer('expiry_max'),
  /** Requests of each key per window in milliseconds; a maximum of 0 is no limit, null follows the group. */
  rateMax: integer('rate_max'),
  rateWindow: integer('rate_window'),
  /** Uses of each key per period in milliseconds, or in total when that is null; a maximum of 0 is no quota, null follows the group. */
  quotaMax: integer('quota_max'),
  quotaEvery: integer('quota_every')
}, (table) => [
  uniqueIndex('api_key_profiles_user').on(table.userId).where(sql`deleted_at IS NULL`),
  // Deleted profiles too: they still own the history of their keys.
  index('api_key_profiles_all_of_user').on(table.userId),
  check('api_key_profiles_max_keys', sql`max_keys >= -1`)
])

export const keys = sqliteTable('api_keys', {
  id: text('id').primaryKey(),
  profileId: integer('profile_id').notNull().references(() => profiles.id, { onDelete: 'cascade' }),
  name: text('name').notNull(),
  /** The secret's first characters, to tell keys apart. */
  start: text('start').notNull(),
  /** SHA-256 of the secret. */
  digest: digest('digest').notNull(),
  /** Of the form that made the key, so that sending it twice makes one key. */
  nonce: text('nonce'),
  createdAt: integer('created_at').notNull(),
  revokedAt: integer('revoked_at'),
  /** As the one who revoked it says. */
  revokedReason: text('revoked_reason'),
  scopes: text('scopes', { mode: 'json' }).$type<readonly string[]>().notNull().default([]),
  expiresAt: integer('expires_at'),
  /** Null is yes. */
  enabled: integer('enabled', { mode: 'boolean' }),
  /** Of the secret before the last rotation, and until when that is good. */
  previousDigest: digest('previous_digest'),
  previousUntil: integer('previous_until'),
  rotatedAt: integer('rotated_at'),
  /** Networks in CIDR from which it may be used; null is anywhere. */
  allowedIps: text('allowed_ips', { mode: 'json' }).$type<readonly string[]>(),
  /** Requests per window in milliseconds; a maximum of 0 is no limit, null follows the profile. */
  rateMax: integer('rate_max'),
  rateWindow: integer('rate_window'),
  /** Uses per period in milliseconds, or in total when that is null; a maximum of 0 is no quota, null follows the profile. */
  quotaMax: integer('quota_max'),
  quotaEvery: integer('quota_every'),
  /** Written at each use of a key with a quota, hence nothing that caches follow. */
  quotaUsed: integer('quota_used').notNull().default(0),
  quotaSince: integer('quota_since'),
  /** What the application notes on the key. */
  metadata: text('metadata', { mode: 'json' }).$type<Readonly<Record<string, unknown>>>()
}, (table) => [
  uniqueIndex('api_keys_digest').on(table.digest),
  uniqueIndex('api_keys_previous_digest').on(table.previousDigest).where(sql`previous_digest IS NOT NULL`),
  uniqueIndex('api_keys_nonce').on(table.nonce).where(sql`nonce IS NOT NULL`),
  index('api_keys_profile').on(table.profileId),
  index('api_keys_expires').on(table.expiresAt).where(sql`expires_at IS NOT NULL`),
  index('api_keys_revoked').on(table.revokedAt).where(sql`revoked_at IS NOT NULL`),
  check('api_keys_digest_size', sql`length(digest) = 32`)
])

/**
 * The last use of each key that was used. Apart from the keys, since it is written every second: its rows are few and
 * small, so that a second's uses change a hundredth of the pages that they would change there. The package's own migration
 * makes it a table WITHOUT ROWID, which Drizzle cannot say; without that it works as well, if a little slower.
 */
export const uses = sqliteTable('api_key_uses', {
  keyId: text('key_id').primaryKey().references(() => keys.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
  lastUsedAt: integer('last_used_at'),
  /** The address of the current login; null before the first and after a logout. */
  loggedIp: text('logged_ip'),
  /** The last logout. Uses from before it, still unwritten in some process, do not bring the login back. */
  loggedOutAt: integer('logged_out_at'),
  /** The last use of a secret that a rotation replaced. */
  previousUsedAt: integer('previous_used_at')
})

/** Uses and refusals of each key by day. WITHOUT ROWID, as `uses`. */
export const usage = sqliteTable('api_key_usage', {
  keyId: text('key_id').notNull().references(() => keys.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
  /** Days since the epoch, in UTC. */
  day: integer('day').notNull(),
  /** `accepted`, or why it was refused. */
  outcome: text('outcome').notNull(),
  count: integer('count').notNull()
}, (table) => [
  primaryKey({ columns: [table.keyId, table.day, table.outcome] })
])

/** Uses and counts that are not in their tables yet, many in one row, in lines as `useLines` and `countLine` write them. Ids are not given twice, since a row stands for what it holds. */
export const useLog = sqliteTable('api_key_use_log', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  at: integer('at').notNull(),
  uses: text('uses').notNull()
})

/** What was done to keys and profiles, by whom. Without references: it outlasts what it is about, until it is pruned. */
export const history = sqliteTable('api_key_history', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  at: integer('at').notNull(),
  /** Null when it is about the profile. */
  keyId: text('key_id'),
  profileId: integer('profile_id').notNull(),
  userId: text('user_id').notNull(),
  actor: text('actor'),
  ip: text('ip'),
  action: text('action').notNull(),
  /** What changed: before and after, by name. */
  changes: text('changes', { mode: 'json' }).$type<Readonly<Record<string, unknown>>>()
}, (table) => [
  index('api_key_history_key').on(table.keyId, table.id).where(sql`key_id IS NOT NULL`),
  index('api_key_history_user').on(table.userId, table.id)
])

/** One row, whose number grows with every change that matters for access. Caches of all processes follow it. */
export const generation = sqliteTable('api_key_generation', {
  id: integer('id').primaryKey(),
  value: integer('value').notNull()
})

const BUMP = 'BEGIN UPDATE api_key_generation SET value = value + 1; END'

/** The columns that matter for access. The nonce is among them as an UPDATE OR REPLACE can delete another row by it. */
const KEY_COLUMNS = 'id, profile_id, name, digest, nonce, revoked_at, scopes, expires_at, enabled, previous_digest, previous_until, allowed_ips, rate_max, rate_window, quota_max, quota_every'
const PROFILE_COLUMNS = 'id, user_id, can_use_api, deleted_at, group_name, scopes, rate_max, rate_window, quota_max, quota_every'

/**
 * SQL that must run once after the tables are made: the generation's row and the triggers that bump it. They watch the
 * columns that matter for access and not those that note a use. A REPLACE deletes rows without firing delete triggers,
 * hence the triggers before an insert that is about to replace.
 */
export const triggers: readonly string[] = [
  'INSERT OR IGNORE INTO api_key_generation (id, value) VALUES (1, 1)',
  `CREATE TRIGGER api_keys_changed AFTER UPDATE OF ${KEY_COLUMNS} ON api_keys ${BUMP}`,
  `CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys ${BUMP}`,
  `CREATE TRIGGER api_keys_replaced BEFORE INSERT ON api_keys WHEN EXISTS (SELECT 1 FROM api_keys WHERE id = NEW.id OR digest = NEW.digest OR nonce = NEW.nonce OR previous_digest = NEW.previous_digest) ${BUMP}`,
  `CREATE TRIGGER api_key_profiles_changed AFTER UPDATE OF ${PROFILE_COLUMNS} ON api_key_profiles ${BUMP}`,
  `CREATE TRIGGER api_key_profiles_deleted AFTER DELETE ON api_key_profiles ${BUMP}`,
  `CREATE TRIGGER api_key_profiles_replaced BEFORE INSERT ON api_key_profiles WHEN EXISTS (SELECT 1 FROM api_key_profiles WHERE id = NEW.id OR (user_id = NEW.user_id AND deleted_at IS NULL)) ${BUMP}`
]
