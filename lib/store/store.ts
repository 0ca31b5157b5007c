import type { BookkeepingStore, Author } from './bookkeeping.js'
import type { AccessRow, KeyDraft, KeyFields, KeyRow, KeyTerms, ProfileFields, ProfileRow, StoredKey } from './rows.js'

/*
 * What the domain asks of a database. Each verb is one whole step that either happens or does not, so that an engine can
 * make it atomic in its own way. Times are milliseconds since the epoch, digests the 32 characters of `digestOf`.
 *
 * Verbs that change a key or a profile remember the change in the same transaction when they are told who its author is.
 *
 * Every verb throws FST_API_KEY_UNAVAILABLE when the database does not answer, FST_API_KEY_INTERNAL when it answers that
 * the statement itself was wrong. Neither shows SQL or values.
 */

/**
 * Decides what becomes of a key that nobody else changes at the same time, by what it and its profile are. May be asked
 * again when another transaction got in the way.
 *
 * @param acting the key by which somebody asks for it, which nobody else changes either; null when there is none
 * @returns the fields to change, of which there may be none; or why nothing may be changed
 */
export type Decide = (key: StoredKey, profile: ProfileRow, acting: AccessRow | null) => KeyFields | Error

/** What the domain says of new keys, by a profile that nobody else changes at the same time. */
export interface Rules {
  /** Live keys that the profile may hold; -1 is unlimited. */
  readonly limitOf: (profile: ProfileRow) => number
  /** What one of the drafts is given, by its number from 0 and the key by which somebody asks for it, or why there can be no such key. */
  readonly termsOf: (profile: ProfileRow, draft: number, acting: AccessRow | null) => KeyTerms | Error
}

/** Why keys were not inserted, and for which user. `limit` is the number of live keys that the profile may hold. */
export type InsertRefusal =
  | { readonly refused: 'no-profile', readonly userId: string }
  | { readonly refused: 'rule', readonly userId: string, readonly error: Error }
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
  /** When the secret before the last rotation was last used; null when it was not. */
  readonly previousAt: number | null
}

/** What must no longer be taken from a cache: a key, by the digest of its secret, or all keys of a profile. */
export type Change = { readonly digest: string } | { readonly profileId: number }

/** Which keys of a user are asked for. */
export interface KeyQuery {
  readonly userId: string
  /** Only those whose name contains it, whatever the case of its letters (with SQLite, of A to Z alone), or whose secret begins with it. */
  readonly text?: string
  /** Only those that are live at `at`, or only those that are not. */
  readonly live?: boolean
  readonly at: number
  /** Only those older than the key with this id. */
  readonly before?: string
  readonly limit: number
}

/** What else there is to say of a change of a key. */
export interface ChangeOptions {
  /** The digest of the secret that asks for it, as of `insertKeys`. */
  readonly acting?: string | undefined
  /** Whether it is decided without the profile, which may then be changed at the same time. Not together with `acting`, for which the profile stands in line. */
  readonly leavesProfile?: boolean
}

export interface Store extends BookkeepingStore {
  /** Finds a key by the digest of its secret, or else by that of the one before the last rotation, in whatever state. On the path of requests, hence synchronous where the engine is. */
  findByDigest (digest: string): AccessRow | null | Promise<AccessRow | null>

  /**
   * A number that differs from every earlier one once something changed that matters for access: a key's name, digests,
   * state, scopes, networks or limits, a profile's group, scopes, limits or permission, whoever changed it. What was read under a number holds while the number is the same
   * and no change of it was told to `watch`. Null while the engine cannot know, so that nothing but the database may be
   * asked.
   *
   * @param now the present by `Date.now`, where the caller knows it already
   */
  generation (now?: number): number | null

  /**
   * Tells the listener of each change that the generation does not count. Those made through this store are told before
   * its verb resolves.
   */
  watch (listener: (change: Change) => void): void

  /**
   * Inserts all keys or none. Profiles are made where a draft says so. A profile never ends up with more live keys than
   * may hold, whoever else inserts at the same time. Live are those that are neither revoked nor expired.
   *
   * @param acting the digest of the secret that asks for it. Its key is read when all else is locked, and stays as it is until the keys
   * are inserted, so that whoever has revoked it finds all that it made
   */
  insertKeys (drafts: readonly KeyDraft[], at: number, rules: Rules, author?: Author, acting?: string): Promise<Inserted | InsertRefusal>
  getKey (id: string): Promise<KeyRow | null>
  /** All keys of a user, newest first, revoked ones too. */
  listKeys (userId: string): Promise<KeyRow[]>
  /** Some keys of a user, by descending id, which is newest first. */
  findKeys (query: KeyQuery): Promise<KeyRow[]>
  /** How many keys of a user are live at a time, and how many there are. */
  countKeys (userId: string, at: number): Promise<{ live: number, all: number }>
  /** Keys not revoked that expire after one time and not after another, the first to expire first. */
  listExpiring (after: number, until: number): Promise<KeyRow[]>
  /**
   * Changes a key as is decided while it is locked. `changed` is false when there was nothing to change. Null when there
   * is no such key.
   */
  changeKey (id: string, decide: Decide, author?: Author, options?: ChangeOptions): Promise<{ row: KeyRow, changed: boolean } | { error: Error } | null>
  /** Revokes all keys of a user that are not, those among them that are being inserted, and returns them. */
  revokeKeys (userId: string, at: number, reason: string | null, author?: Author): Promise<KeyRow[]>
  /**
   * Deletes keys that were revoked or expired before a time, with their history and usage; and then profiles that were
   * deleted before it and have no keys left, with their history. Tells how many of both were deleted.
   *
   * @param limit how many at most
   */
  prune (before: number, limit: number): Promise<{ keys: number, profiles: number }>
  /**
   * Ends a key's login, and gives the digests of its present secret and of the one before. `changed` is false when no login was
   * stored. Null when there is no such key.
   */
  logoutKey (id: string, at: number): Promise<{ row: KeyRow, digests: readonly [string, string | null], changed: boolean } | null>

  /** Finds the user's profile or makes it with these fields. */
  ensureProfile (userId: string, fields: ProfileFields, at: number, author?: Author): Promise<{ row: ProfileRow, created: boolean }>
  getProfile (userId: string): Promise<ProfileRow | null>
  /** Profiles of users whose id begins with a text, by ascending id, from the first after `cursor`. */
  listProfiles (cursor: number, limit: number, start: string): Promise<ProfileRow[]>
  /** Changes a profile. `changed` is false when it already was so. Null when there is none. */
  updateProfile (userId: string, fields: ProfileFields, author?: Author): Promise<{ row: ProfileRow, changed: boolean } | null>
  /** Deletes a profile and revokes its live keys, which are returned. The keys stay as history. Null when there is no profile. */
  deleteProfile (userId: string, at: number, reason: string | null, author?: Author): Promise<{ row: ProfileRow, revoked: KeyRow[] } | null>

  /** How many uses or counts one call should bring at most. */
  readonly batchSize: number

  /** Stores uses in one batch. Times only move forward, and uses from before a logout do not bring the login back. */
  saveUses (uses: readonly Use[]): Promise<void>
  /**
   * Writes uses and counts, in the lines of `useLines` and `countLine`, into one entry of a log, at a tenth of what it costs to store
   * them. Whoever applies the entry stores them: this process, or another if this one ends before it comes to that.
   *
   * @returns the number of the entry, which no other ever has
   */
  logUses (text: string, at: number): Promise<number>
  /**
   * Replaces entries by others that hold the same, and perhaps more.
   *
   * @returns the numbers of the new ones, in the order of their texts; null when some of the old were gone, and nothing was changed
   */
  replaceLogged (entries: readonly number[], texts: readonly string[], at: number): Promise<number[] | null>
  /** Stores what an entry holds and deletes it, in one step, so that counts are added once. Returns whether it was there: if not, somebody else did it. */
  applyLogged (entry: number): Promise<boolean>
  /** How many of some entries are still there. */
  countLogged (entries: readonly number[]): Promise<number>
  /** Applies all entries from before a time, whoever wrote them. */
  recoverUses (before: number): Promise<void>

  /** False once the database was closed, by the application or by this store. */
  isOpen (): boolean
  /** Closes the database if this store opened it. */
  close (): Promise<void>
}
