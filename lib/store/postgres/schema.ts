import { sql } from 'drizzle-orm'
import { bigint, boolean, check, customType, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex, type PgTableFn } from 'drizzle-orm/pg-core'

/*
 * The tables for PostgreSQL. Applications find them in `lib/schema`, by longer names. Times are milliseconds since the epoch.
 */

/** 32 bytes, in JavaScript a latin1 string of 32 characters. */
const digest = customType<{ data: string, driverData: Buffer }>({
  dataType: () => 'bytea',
  toDriver: (value) => Buffer.from(value, 'latin1'),
  fromDriver: (value) => value.toString('latin1')
})

/** A time, a duration in milliseconds, or another number that may be large. */
const time = (name: string) => bigint(name, { mode: 'number' })

/**
 * Makes the tables with a table function of Drizzle's: `pgTable`, or `pgSchema('…').table` for a PostgreSQL schema of
 * their own.
 */
export function createTables<Schema extends string | undefined> (table: PgTableFn<Schema>) {
  /** A user's standing with the API; one for each user that is not deleted. */
  const profiles = table('api_key_profiles', {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
    userId: text('user_id').notNull(),
    /** Live keys it may hold, -1 for unlimited; null follows the plugin's option. */
    maxKeys: integer('max_keys'),
    /** Whether its keys are accepted; null is yes. */
    canUseApi: boolean('can_use_api'),
    /** Whether it may hold new keys; null is yes. */
    canMakeKeys: boolean('can_make_keys'),
    lastAccessAt: time('last_access_at'),
    createdAt: time('created_at').notNull(),
    deletedAt: time('deleted_at'),
    /** One of the plugin's groups. */
    group: text('group_name'),
    /** What its keys may have at most; null follows the group. */
    scopes: jsonb('scopes').$type<readonly string[]>(),
    /** Life of new keys that say nothing themselves, and the longest life of keys, in milliseconds; 0 is without end, null follows the group. */
    expiryDefault: time('expiry_default'),
    expiryMax: time('expiry_max'),
    /** Requests of each key per window in milliseconds; a maximum of 0 is no limit, null follows the group. */
    rateMax: time('rate_max'),
    rateWindow: time('rate_window'),
    /** Uses of each key per period in milliseconds, or in total when that is null; a maximum of 0 is no quota, null follows the group. */
    quotaMax: time('quota_max'),
    quotaEvery: time('quota_every')
  }, (profile) => [
    uniqueIndex('api_key_profiles_user').on(profile.userId).where(sql`deleted_at IS NULL`),
    // Deleted profiles too: they still own the history of their keys. By bytes, so that it also finds ids by their beginning.
    index('api_key_profiles_all_of_user').on(profile.userId.op('text_pattern_ops')),
    check('api_key_profiles_max_keys', sql`max_keys >= -1`)
  ])

  const keys = table('api_keys', {
    id: text('id').primaryKey(),
    profileId: bigint('profile_id', { mode: 'number' }).notNull().references(() => profiles.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** The secret's first characters, to tell keys apart. */
    start: text('start').notNull(),
    /** SHA-256 of the secret. */
    digest: digest('digest').notNull(),
    /** Of the form that made the key, so that sending it twice makes one key. */
    nonce: text('nonce'),
    createdAt: time('created_at').notNull(),
    revokedAt: time('revoked_at'),
    /** As the one who revoked it says. */
    revokedReason: text('revoked_reason'),
    scopes: jsonb('scopes').$type<readonly string[]>().notNull().default([]),
    expiresAt: time('expires_at'),
    /** Null is yes. */
    enabled: boolean('enabled'),
    /** Of the secret before the last rotation, and until when that is good. */
    previousDigest: digest('previous_digest'),
    previousUntil: time('previous_until'),
    rotatedAt: time('rotated_at'),
    /** Networks in CIDR from which it may be used; null is anywhere. */
    allowedIps: jsonb('allowed_ips').$type<readonly string[]>(),
    /** Requests per window in milliseconds; a maximum of 0 is no limit, null follows the profile. */
    rateMax: time('rate_max'),
    rateWindow: time('rate_window'),
    /** Uses per period in milliseconds, or in total when that is null; a maximum of 0 is no quota, null follows the profile. */
    quotaMax: time('quota_max'),
    quotaEvery: time('quota_every'),
    /** Written at each use of a key with a quota, hence nothing that caches follow. */
    quotaUsed: time('quota_used').notNull().default(0),
    quotaSince: time('quota_since'),
    /** What the application notes on the key. */
    metadata: jsonb('metadata').$type<Readonly<Record<string, unknown>>>()
  }, (key) => [
    uniqueIndex('api_keys_digest').on(key.digest),
    uniqueIndex('api_keys_previous_digest').on(key.previousDigest).where(sql`previous_digest IS NOT NULL`),
    uniqueIndex('api_keys_nonce').on(key.nonce).where(sql`nonce IS NOT NULL`),
    index('api_keys_profile').on(key.profileId),
    index('api_keys_expires').on(key.expiresAt).where(sql`expires_at IS NOT NULL`),
    index('api_keys_revoked').on(key.revokedAt).where(sql`revoked_at IS NOT NULL`),
    check('api_keys_digest_size', sql`length(digest) = 32`)
  ])

  /**
   * The last use of each key that was used. Apart from the keys, since it is written every second, and each time leaves an
   * old row behind: here those are small and touch no other index than their own.
   */
  const uses = table('api_key_uses', {
    keyId: text('key_id').primaryKey().references(() => keys.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
    lastUsedAt: time('last_used_at'),
    /** The address of the current login; null before the first and after a logout. */
    loggedIp: text('logged_ip'),
    /** The last logout. Uses from before it, still unwritten on some node, do not bring the login back. */
    loggedOutAt: time('logged_out_at'),
    /** The last use of a secret that a rotation replaced. */
    previousUsedAt: time('previous_used_at')
  })

  /** Uses and refusals of each key by day. */
  const usage = table('api_key_usage', {
    keyId: text('key_id').notNull().references(() => keys.id, { onDelete: 'cascade', onUpdate: 'cascade' }),
    /** Days since the epoch, in UTC. */
    day: integer('day').notNull(),
    /** `accepted`, or why it was refused. */
    outcome: text('outcome').notNull(),
    count: time('count').notNull()
  }, (entry) => [
    primaryKey({ columns: [entry.keyId, entry.day, entry.outcome] })
  ])

  /** Uses and counts that are not in their tables yet, many in one row, in lines as `useLines` and `countLine` write them. */
  const useLog = table('api_key_use_log', {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
    at: time('at').notNull(),
    uses: text('uses').notNull()
  })

  /** What was done to keys and profiles, by whom. Without references: it outlasts what it is about, until it is pruned. */
  const history = table('api_key_history', {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedByDefaultAsIdentity(),
    at: time('at').notNull(),
    /** Null when it is about the profile. */
    keyId: text('key_id'),
    profileId: bigint('profile_id', { mode: 'number' }).notNull(),
    userId: text('user_id').notNull(),
    actor: text('actor'),
    ip: text('ip'),
    action: text('action').notNull(),
    /** What changed: before and after, by name. */
    changes: jsonb('changes').$type<Readonly<Record<string, unknown>>>()
  }, (entry) => [
    index('api_key_history_key').on(entry.keyId, entry.id).where(sql`key_id IS NOT NULL`),
    index('api_key_history_user').on(entry.userId, entry.id)
  ])

  return { profiles, keys, uses, usage, useLog, history }
}

export const { profiles, keys, uses, usage, useLog, history } = createTables(pgTable)

/** Where the triggers announce changes. One channel for all schemas of a database; each message names its schema. */
export const CHANNEL = 'api_key_changes'

const announcer = (name: string, body: string) =>
  `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} RETURN NULL; END $$`

const notify = (what: string) => `PERFORM pg_catalog.pg_notify('${CHANNEL}', ${what} || ' ' || TG_TABLE_SCHEMA);`

const keyChanged = (row: string) => notify(`'key ' || pg_catalog.encode(${row}.digest, 'hex')`)

/** A key in rotation may be in caches under two digests. */
const previousChanged = (row: string) =>
  `IF ${row}.previous_digest IS NOT NULL THEN ${notify(`'key ' || pg_catalog.encode(${row}.previous_digest, 'hex')`)} END IF;`

const profileChanged = (row: string) => notify(`'profile ' || ${row}.id`)

const trigger = (name: string, table: string, when: string, action: string) => [
  `CREATE TRIGGER ${name} AFTER ${when} EXECUTE FUNCTION ${action}()`,
  // Also for rows that replication or a bulk load brings, during which ordinary triggers rest.
  `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${name}`
]

/** A trigger that fires for each updated row of which one of the columns is different afterwards. */
const changeTrigger = (name: string, table: string, columns: readonly string[], action: string) => {
  const values = (row: string) => columns.map((column) => `${row}.${column}`).join(', ')
  return trigger(name, table, `UPDATE ON ${table} FOR EACH ROW WHEN ((${values('OLD')}) IS DISTINCT FROM (${values('NEW')}))`, action)
}

const KEY_COLUMNS = ['id', 'profile_id', 'name', 'digest', 'revoked_at', 'scopes', 'expires_at', 'enabled', 'previous_digest', 'previous_until',
  'allowed_ips', 'rate_max', 'rate_window', 'quota_max', 'quota_every']
const PROFILE_COLUMNS = ['id', 'user_id', 'can_use_api', 'deleted_at', 'group_name', 'scopes', 'rate_max', 'rate_window', 'quota_max', 'quota_every']

/**
 * SQL that must run once after the tables are made, in their schema: the triggers that announce, within the transaction of
 * the change, what matters for access. They look at the columns that do and not at those that note a use.
 */
export const triggers: readonly string[] = [
  announcer('api_keys_announce', `${keyChanged('OLD')} ${previousChanged('OLD')} IF TG_OP = 'UPDATE' AND NEW.digest <> OLD.digest THEN ${keyChanged('NEW')} END IF;`),
  announcer('api_key_profiles_announce', `${profileChanged('OLD')} IF TG_OP = 'UPDATE' AND NEW.id <> OLD.id THEN ${profileChanged('NEW')} END IF;`),
  announcer('api_key_announce_all', notify("'all *'")),
  ...changeTrigger('api_keys_changed', 'api_keys', KEY_COLUMNS, 'api_keys_announce'),
  ...trigger('api_keys_deleted', 'api_keys', 'DELETE ON api_keys FOR EACH ROW', 'api_keys_announce'),
  ...trigger('api_keys_truncated', 'api_keys', 'TRUNCATE ON api_keys', 'api_key_announce_all'),
  ...changeTrigger('api_key_profiles_changed', 'api_key_profiles', PROFILE_COLUMNS, 'api_key_profiles_announce'),
  ...trigger('api_key_profiles_deleted', 'api_key_profiles', 'DELETE ON api_key_profiles FOR EACH ROW', 'api_key_profiles_announce'),
  ...trigger('api_key_profiles_truncated', 'api_key_profiles', 'TRUNCATE ON api_key_profiles', 'api_key_announce_all')
]
