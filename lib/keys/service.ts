import { EventEmitter } from 'node:events'
import { toMilliseconds, type Duration } from '../durations.js'
import type { KeyRow } from '../store/rows.js'
import type { Store } from '../store/store.js'
import { Activity } from './activity.js'
import { checkBy, checkDuration, checkKeyId, checkRevocation, checkRotation, checkSecret, checkVerifyOptions } from './arguments.js'
import { checkBatch, checkKeyChanges, checkKeyFields } from './key-arguments.js'
import { checkUserId } from './ids.js'
import type { Context, KeySettings } from './context.js'
import { announce, isHeard, type ApiKeyEvents, type By, type ReportListener } from './events.js'
import type { KeyChanges } from './granting.js'
import { readHistory, type HistoryPage, type HistoryQuery } from './history.js'
import { Internals } from './internals.js'
import { issue, type BatchKeyOptions, type KeyOptions } from './issuing.js'
import { countKeys, findExpiring, findKeys, type KeyCount, type KeyPage, type KeySearch } from './listing.js'
import { logoutKey, prune, revokeKey, revokeKeys, rotateKey, updateKey, type Revocation } from './lifecycle.js'
import { PatientSaves } from './patience.js'
import { Profiles } from './profiles.js'
import { toKeyRecord, type ApiUser, type KeyRecord, type NewKey } from './records.js'
import { readRate, type RateRecord } from './rate.js'
import type { RefusalLog } from './refusals.js'
import type { ActivityLog } from './use-writer.js'
import { readUsage, type DayUsage, type UsageRange } from './usage.js'

/** Where the service reports what it cannot throw at anybody. */
export interface ServiceLog extends ActivityLog, RefusalLog {
  listenerFailed: ReportListener
}

/** What only this package may ask of a service, and what applications therefore do not find there. */
export let internalsOf: (service: ApiKeys) => Internals

/**
 * Issues, verifies and revokes keys: `fastify.apiKeys`. Emits the events of `ApiKeyEvents` after a change is stored.
 * Every method also throws FST_API_KEY_UNAVAILABLE when the database does not answer.
 */
export class ApiKeys extends EventEmitter<ApiKeyEvents> {
  /** Users' standing with the API. */
  readonly profiles: Profiles
  readonly #context: Context
  readonly #internals: Internals

  static {
    internalsOf = (service) => service.#internals
  }

  /** Made by the plugin. */
  constructor (store: Store, settings: KeySettings, log: ServiceLog) {
    super()
    const saves = new PatientSaves(store)
    this.#context = {
      store,
      settings,
      activity: new Activity(saves, log, settings.now),
      authorOf: ({ actor = null, ip = null }, at) => ({ actor, ip: settings.recordIp ? ip : null, at }),
      isHeard: (event) => isHeard(this, event),
      announce: (event, payload) => announce(this, log.listenerFailed, event, settings.recordIp ? payload : { ...payload, ip: null })
    }
    this.profiles = new Profiles(this.#context)
    this.#internals = new Internals(this.#context, this.profiles, saves, log)
  }

  /**
   * Makes a key for a user, who gets a profile if `autoProfile` allows.
   *
   * @returns the key's record and its secret, `key`, which is seen this once
   * @throws FST_API_KEY_INVALID_ARGUMENT, FST_API_KEY_NO_PROFILE, FST_API_KEY_MAKING_FORBIDDEN, FST_API_KEY_UNKNOWN_GROUP,
   * FST_API_KEY_SCOPE_NOT_ALLOWED, FST_API_KEY_EXPIRY_TOO_LATE, FST_API_KEY_LIMIT_REACHED, FST_API_KEY_NONCE_USED
   */
  async create (userId: string, options: KeyOptions = {}, by: By = {}): Promise<NewKey> {
    checkUserId(userId)
    checkKeyFields(options, this.#context.settings)
    checkBy(by)
    // A copy, since what was checked must not change before it is stored.
    const [key] = await issue(this.#context, [{ ...structuredClone(options), userId }], by)
    return key as NewKey
  }

  /**
   * Makes many keys in one step: all of them or, when one is refused, none.
   *
   * @throws what `create` throws
   */
  async createMany (batch: readonly BatchKeyOptions[], by: By = {}): Promise<NewKey[]> {
    checkBatch(batch, this.#context.settings)
    checkBy(by)
    return await issue(this.#context, structuredClone([...batch]), by)
  }

  /** Finds a key by its id; null when there is none. */
  async get (keyId: string): Promise<KeyRecord | null> {
    checkKeyId(keyId)
    const row = await this.#context.store.getKey(keyId)
    return row === null ? null : this.#toRecord(row)
  }

  /** All keys of a user, newest first, revoked ones too. */
  async list (userId: string): Promise<KeyRecord[]> {
    checkUserId(userId)
    const rows = await this.#context.store.listKeys(userId)
    return rows.map((row) => this.#toRecord(row))
  }

  /**
   * A page of a user's keys, newest first, revoked ones too.
   *
   * @param query `{ search?, live?, limit?, cursor? }`
   * @throws FST_API_KEY_INVALID_ARGUMENT
   */
  async find (userId: string, query: KeySearch = {}): Promise<KeyPage> {
    checkUserId(userId)
    return await findKeys(this.#context, userId, query)
  }

  /** How many keys a user has, live and dead. */
  async count (userId: string): Promise<KeyCount> {
    checkUserId(userId)
    return await countKeys(this.#context, userId)
  }

  /**
   * Changes what is named of a key: its name, scopes, expiry, networks, rate limit, quota and metadata, and whether it is enabled. A
   * key that is revoked or expired takes a new name and new metadata only.
   *
   * @throws FST_API_KEY_NOT_FOUND, FST_API_KEY_INVALID_ARGUMENT, FST_API_KEY_NOT_LIVE, FST_API_KEY_SCOPE_NOT_ALLOWED,
   * FST_API_KEY_EXPIRY_TOO_LATE, FST_API_KEY_UNKNOWN_GROUP
   */
  async update (keyId: string, changes: KeyChanges, by: By = {}): Promise<KeyRecord> {
    checkKeyId(keyId)
    checkKeyChanges(changes, this.#context.settings)
    checkBy(by)
    return await updateKey(this.#context, keyId, structuredClone(changes), by)
  }

  /**
   * Gives a key a new secret. Name, scopes, expiry and the rest stay, but that a key which would live longer than is allowed now
   * is cut to that. The secret before it works for the overlap, and with 0, the default, ends at once; one from before that ends
   * in any case.
   *
   * @param options `overlap`, and `rotatedAt` of the record that the caller saw: with it, a call that is made twice rotates once
   * @returns the record and the new secret, `key`, which is seen this once
   * @throws FST_API_KEY_NOT_FOUND, FST_API_KEY_NOT_LIVE, FST_API_KEY_ALREADY_ROTATED, FST_API_KEY_UNKNOWN_GROUP, FST_API_KEY_EXPIRY_TOO_LATE when the key is
   * older than it may become, FST_API_KEY_INVALID_ARGUMENT also for an overlap beyond the key's expiry
   */
  async rotate (keyId: string, options: { overlap?: Duration, rotatedAt?: Date | null } = {}, by: By = {}): Promise<NewKey> {
    checkKeyId(keyId)
    checkRotation(options)
    checkBy(by)
    return await rotateKey(this.#context, keyId, { overlap: toMilliseconds(options.overlap ?? 0), seen: options.rotatedAt }, by)
  }

  /**
   * Revokes a key for good. Its record stays. Revoking it again changes nothing.
   *
   * @throws FST_API_KEY_NOT_FOUND, FST_API_KEY_INVALID_ARGUMENT
   */
  async revoke (keyId: string, options: Revocation = {}, by: By = {}): Promise<KeyRecord> {
    checkKeyId(keyId)
    checkRevocation(options)
    checkBy(by)
    const { reason = null, ...first } = options
    return await revokeKey(this.#context, keyId, reason, { ...first, ...by })
  }

  /**
   * Revokes all keys of a user that are not revoked yet.
   *
   * @returns those keys
   * @throws FST_API_KEY_INVALID_ARGUMENT
   */
  async revokeAll (userId: string, options: Revocation = {}, by: By = {}): Promise<KeyRecord[]> {
    checkUserId(userId)
    checkRevocation(options)
    checkBy(by)
    const { reason = null, ...first } = options
    return await revokeKeys(this.#context, userId, reason, { ...first, ...by })
  }

  /**
   * The live keys that expire within a time from now, such as `'14d'`, the first to expire first. For an application's own
   * schedule that warns people.
   *
   * @throws FST_API_KEY_INVALID_ARGUMENT
   */
  async expiring (options: { within: Duration }): Promise<KeyRecord[]> {
    return await findExpiring(this.#context, checkDuration(options, 'within'))
  }

  /**
   * Deletes keys that have been revoked or expired for at least that long, such as `'90d'`, with their history and use, and
   * profiles that were deleted as long ago and have no keys left. Nothing brings them back.
   *
   * @returns how many keys were deleted
   * @throws FST_API_KEY_INVALID_ARGUMENT
   */
  async prune (options: { olderThan: Duration }): Promise<number> {
    return await prune(this.#context, checkDuration(options, 'olderThan'))
  }

  /**
   * Ends a key's login: its address is forgotten. The key keeps working, and its next use begins a new login.
   *
   * @throws FST_API_KEY_NOT_FOUND
   */
  async logout (keyId: string, by: By = {}): Promise<KeyRecord> {
    checkKeyId(keyId)
    checkBy(by)
    return await logoutKey(this.#context, keyId, (digest) => this.#internals.admission.forgetLogin(digest), by)
  }

  /**
   * Verifies a secret as the hook does, and counts as a use.
   *
   * @param ip the caller's address, kept as the key's `loggedIp`, and whose failed attempts `failureLimit` counts
   * @throws FST_API_KEY_INVALID, FST_API_KEY_REVOKED, FST_API_KEY_EXPIRED, FST_API_KEY_ROTATED, FST_API_KEY_DISABLED,
   * FST_API_KEY_UNKNOWN_GROUP, FST_API_KEY_API_FORBIDDEN, FST_API_KEY_ADDRESS, FST_API_KEY_TOO_MANY_FAILURES,
   * FST_API_KEY_RATE_LIMIT_EXCEEDED, FST_API_KEY_QUOTA_EXCEEDED. Where the key is known, the error has its `keyId`; where
   * it makes sense to try again, the seconds until then as `retryAfter`
   */
  async verify (secret: string, options: { ip?: string } = {}): Promise<ApiUser> {
    checkSecret(secret)
    checkVerifyOptions(options)
    return await this.#internals.admission.admit(secret, options.ip ?? null)
  }

  /** Answers "whose key is this, in what state", without side effects. Null when there is no such key. */
  async identify (secret: string): Promise<KeyRecord | null> {
    return (await this.#internals.recognize(secret))?.key ?? null
  }

  /**
   * Tells what was changed in keys and profiles, by whom, newest first.
   *
   * @param query `{ keyId?, userId?, limit?, cursor? }`: of one key, of one user, or all
   * @throws FST_API_KEY_INVALID_ARGUMENT
   */
  async history (query: HistoryQuery = {}): Promise<HistoryPage> {
    return await readHistory(this.#context, query)
  }

  /**
   * Tells how often a key was accepted and refused, by day in UTC. Days on which nothing happened are left out.
   *
   * @param range `{ from?, to? }`, both included; default the last 30 days
   * @throws FST_API_KEY_INVALID_ARGUMENT
   */
  async usage (keyId: string, range: UsageRange = {}): Promise<DayUsage[]> {
    return await readUsage(this.#context, keyId, range)
  }

  /**
   * Tells which rate limit holds for a key, wherever that is said, and how many requests of it are left, without counting one.
   * Counted is where @fastify/rate-limit keeps its counts: in this process, unless the application gave it a store that others
   * share.
   *
   * @returns null for no limit
   * @throws FST_API_KEY_NOT_FOUND
   */
  async rateLimit (keyId: string): Promise<RateRecord | null> {
    return await readRate(this.#context, this.#internals.admission, keyId)
  }

  /**
   * Stores the uses and counts that are noted in memory. By itself that comes within a second, or within ten when more than 500 keys are
   * in use; then they are logged within a second, and stored when a process starts again that was killed before.
   *
   * @throws FST_API_KEY_UNAVAILABLE; the uses are kept and tried again
   */
  async flush (): Promise<void> {
    await this.#context.activity.flush()
  }

  #toRecord (row: KeyRow): KeyRecord {
    const { activity, settings } = this.#context
    return toKeyRecord(activity.ofKey(row), settings.now(), settings)
  }
}
