/*
 * What the domain asks of a database. Each verb is one whole step that either happens or does not, so that an engine can
 * make it atomic in its own way. Times are milliseconds since the epoch, digests the 32 characters of `digestOf`.
 *
 * Every verb throws FST_API_KEY_UNAVAILABLE when the database does not answer, FST_API_KEY_INTERNAL when it answers that
 * the statement itself was wrong. Neither shows SQL or values.
 */

/** A profile as stored. */
export interface ProfileRow {
  readonly id: number
  readonly userId: string
  /** The profile's own limit; null when it follows the plugin's. */
  readonly maxKeys: number | null
  /** Null when it was never set, which is yes. */
  readonly canUseApi: boolean | null
  readonly canMakeKeys: boolean | null
  readonly lastAccessAt: number | null
  readonly createdAt: number
}

/** A key as stored, without its digest, with its owner's id. */
export interface KeyRow {
  readonly id: string
  readonly profileId: number
  readonly userId: string
  readonly name: string
  readonly start: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly loggedIp: string | null
  readonly revokedAt: number | null
}

/** A key together with what its profile says about access: all that verifying needs, from one look-up. */
export interface AccessRow extends KeyRow {
  readonly canUseApi: boolean | null
}

/** A key to insert. */
export interface KeyDraft {
  readonly id: string
  readonly userId: string
  readonly name: string
  readonly start: string
  readonly digest: string
  readonly nonce: string | null
  readonly createdAt: number
  /** Whether a user without a profile gets one in the same step. */
  readonly makeProfile: boolean
}

/** What a profile may be created with or changed to; what is absent stays as it is. */
export interface ProfileFields {
  readonly maxKeys?: number | null
  readonly canUseApi?: boolean | null
  readonly canMakeKeys?: boolean | null
}

/** Why keys were not inserted, and for which user. `limit` is the number of live keys that the profile may hold. */
export type InsertRefusal =
  | { readonly refused: 'no-profile' | 'forbidden', readonly userId: string }
  | { readonly refused: 'full', readonly userId: string, readonly limit: number }
  | { readonly refused: 'nonce', readonly userId: string }

/** Keys inserted in the order of the drafts, and the profiles that were made on the way. */
export interface Inserted {
  readonly refused: null
  readonly keys: readonly KeyRow[]
  readonly profiles: readonly ProfileRow[]
}

/** The last use of a key. No address stands for a login that has ended since. */
export interface Use {
  readonly keyId: string
  readonly at: number
  readonly ip: string | null
}

/** When one of a profile's keys was last used. */
export interface LastAccess {
  readonly profileId: number
  readonly at: number
}

/** What must no longer be taken from a cache: a key, by the digest of its secret, or all keys of a profile. */
export type Change = { readonly digest: string } | { readonly profileId: number }

export interface Store {
  /** Finds a key by the digest of its secret, in whatever state. On the path of requests, hence synchronous where the engine is. */
  findByDigest (digest: string): AccessRow | null | Promise<AccessRow | null>

  /**
   * A number that differs from every earlier one once something changed that matters for access: a key's name, digest or
   * state, a profile's permission, whoever changed it. What was read under a number holds while the number is the same
   * and no change of it was told to `watch`. Null while the engine cannot know, so that nothing but the database may be
   * asked.
   */
  generation (): number | null

  /**
   * Tells the listener of each change that the generation does not count. Those made through this store are told before
   * its verb resolves.
   */
  watch (listener: (change: Change) => void): void

  /**
   * Inserts all keys or none. Profiles are made where a draft says so. A profile never ends up with more live keys than
   * it may hold, whoever else inserts at the same time.
   *
   * @param maxKeys the limit of profiles that have none of their own, -1 for unlimited
   */
  insertKeys (drafts: readonly KeyDraft[], maxKeys: number): Promise<Inserted | InsertRefusal>
  getKey (id: string): Promise<KeyRow | null>
  /** All keys of a user, newest first, revoked ones too. */
  listKeys (userId: string): Promise<KeyRow[]>
  /** Renames a key. Null when there is none. */
  renameKey (id: string, name: string): Promise<KeyRow | null>
  /** Revokes a key for good. `changed` is false when it already was. Null when there is none. */
  revokeKey (id: string, at: number): Promise<{ row: KeyRow, changed: boolean } | null>
  /** Ends a key's login. `changed` is false when no login was stored. Null when there is no such key. */
  logoutKey (id: string, at: number): Promise<{ row: KeyRow, digest: string, changed: boolean } | null>

  /** Finds the user's profile or makes it with these fields. */
  ensureProfile (userId: string, fields: ProfileFields, at: number): Promise<{ row: ProfileRow, created: boolean }>
  getProfile (userId: string): Promise<ProfileRow | null>
  /** Profiles by ascending id, from the first after `cursor`. */
  listProfiles (cursor: number, limit: number): Promise<ProfileRow[]>
  updateProfile (userId: string, fields: ProfileFields): Promise<ProfileRow | null>
  /** Deletes a profile and revokes its live keys, which are returned. The keys stay as history. Null when there is no profile. */
  deleteProfile (userId: string, at: number): Promise<{ row: ProfileRow, revoked: KeyRow[] } | null>

  /** How many uses or accesses one call should bring at most. */
  readonly batchSize: number

  /** Stores uses in one batch. Times only move forward, and uses from before a logout do not bring the login back. */
  saveUses (uses: readonly Use[]): Promise<void>
  /** Stores the last access of profiles in one batch. Times only move forward. */
  saveLastAccesses (accesses: readonly LastAccess[]): Promise<void>

  /** Closes the database if this store opened it. */
  close (): Promise<void>
}
