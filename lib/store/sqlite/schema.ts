import { sql } from 'drizzle-orm'
import { check, customType, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/*
 * The tables for SQLite. An application that keeps all tables in one Drizzle schema re-exports these, generates its
 * migration, and appends `triggers` to it. Times are milliseconds since the epoch.
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
  deletedAt: integer('deleted_at')
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
  revokedAt: integer('revoked_at')
}, (table) => [
  uniqueIndex('api_keys_digest').on(table.digest),
  uniqueIndex('api_keys_nonce').on(table.nonce).where(sql`nonce IS NOT NULL`),
  index('api_keys_profile').on(table.profileId),
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
  loggedOutAt: integer('logged_out_at')
})

/** One row, whose number grows with every change that matters for access. Caches of all processes follow it. */
export const generation = sqliteTable('api_key_generation', {
  id: integer('id').primaryKey(),
  value: integer('value').notNull()
})

const BUMP = 'BEGIN UPDATE api_key_generation SET value = value + 1; END'

/**
 * SQL that must run once after the tables are made: the generation's row and the triggers that bump it. They watch the
 * columns that matter for access and not those that note a use. A REPLACE deletes rows without firing delete triggers,
 * hence the triggers before an insert that is about to replace, and the nonce, by which an UPDATE OR REPLACE can do so.
 */
export const triggers: readonly string[] = [
  'INSERT OR IGNORE INTO api_key_generation (id, value) VALUES (1, 1)',
  `CREATE TRIGGER api_keys_changed AFTER UPDATE OF id, profile_id, name, digest, nonce, revoked_at ON api_keys ${BUMP}`,
  `CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys ${BUMP}`,
  `CREATE TRIGGER api_keys_replaced BEFORE INSERT ON api_keys WHEN EXISTS (SELECT 1 FROM api_keys WHERE id = NEW.id OR digest = NEW.digest OR nonce = NEW.nonce) ${BUMP}`,
  `CREATE TRIGGER api_key_profiles_changed AFTER UPDATE OF id, user_id, can_use_api, deleted_at ON api_key_profiles ${BUMP}`,
  `CREATE TRIGGER api_key_profiles_deleted AFTER DELETE ON api_key_profiles ${BUMP}`,
  `CREATE TRIGGER api_key_profiles_replaced BEFORE INSERT ON api_key_profiles WHEN EXISTS (SELECT 1 FROM api_key_profiles WHERE id = NEW.id OR (user_id = NEW.user_id AND deleted_at IS NULL)) ${BUMP}`
]
