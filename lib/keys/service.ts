import { EventEmitter } from 'node:events'
import { NotFoundError } from '../errors.js'
import type { KeyRow, Store } from '../store/store.js'
import type { Access } from './access.js'
import { Activity, type ActivityLog } from './activity.js'
import { checkBatch, checkBy, checkKeyChanges, checkKeyFields, checkKeyId, checkSecret, checkUserId, checkVerifyOptions } from './arguments.js'
import type { Context, KeySettings } from './context.js'
import { announce, changeBy, type ApiKeyEvents, type By, type ReportListener } from './events.js'
import { issue } from './issuing.js'
import { Profiles } from './profiles.js'
import { toKeyRecord, type ApiUser, type KeyRecord, type NewKey } from './records.js'
import { Verifier } from './verifier.js'

/** What a new key can be given. */
export interface KeyOptions {
  /** For people to tell their keys apart, at most 100 characters. Default empty. */
  name?: string
  /** 16 to 100 characters. A second call with the same nonce makes no key, so that a form can be sent twice. */
  nonce?: string
}

/** One key of `createMany`. */
export interface BatchKeyOptions {
  userId: string
  name?: string
}

/** Where the service reports what it cannot throw at anybody. */
export interface ServiceLog extends ActivityLog {
  listenerFailed: ReportListener
}

/**
 * Issues, verifies and revokes keys: `fastify.apiKeys`. Emits the events of `ApiKeyEvents` after a change is stored.
 * Every method also throws FST_API_KEY_UNAVAILABLE when the database does not answer.
 */
export class ApiKeys extends EventEmitter<ApiKeyEvents> {
  /** Users' standing with the API. */
  readonly profiles: Profiles
  readonly #context: Context
  readonly #verifier: Verifier

  /** Made by the plugin. */
  constructor (store: Store, settings: KeySettings, log: ServiceLog) {
    super()
    this.#context = {
      store,
      settings,
      activity: new Activity(store, log),
      announce: (event, payload) => announce(this, log.listenerFailed, event, payload)
    }
    this.#verifier = new Verifier(store, this.#context.activity, settings.cacheSize)
    this.profiles = new Profiles(this.#context)
  }

  /**
   * Makes a key for a user, who gets a profile if `autoProfile` allows.
   *
   * @returns the key's record and its secret, `key`, which is seen this once
   * @throws FST_API_KEY_INVALID_ARGUMENT, FST_API_KEY_NO_PROFILE, FST_API_KEY_MAKING_FORBIDDEN,
   * FST_API_KEY_LIMIT_REACHED, FST_API_KEY_NONCE_USED
   */
  async create (userId: string, options: KeyOptions = {}, by: By = {}): Promise<NewKey> {
    checkUserId(userId)
    checkKeyFields(options)
    checkBy(by)
    const [key] = await issue(this.#context, [{ ...options, userId }], by)
    return key as NewKey
  }

  /**
   * Makes many keys in one step: all of them or, when one is refused, none.
   *
   * @throws what `create` throws
   */
  async createMany (batch: readonly BatchKeyOptions[], by: By = {}): Promise<NewKey[]> {
    checkBatch(batch)
    checkBy(by)
    // Copies, since what was checked must not change before it is stored.
    return await issue(this.#context, batch.map((fields) => ({ ...fields })), by)
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
   * Renames a key.
   *
   * @throws FST_API_KEY_NOT_FOUND, FST_API_KEY_INVALID_ARGUMENT
   */
  async update (keyId: string, changes: { name?: string }, by: By = {}): Promise<KeyRecord> {
    checkKeyId(keyId)
    checkKeyChanges(changes)
    checkBy(by)
    const { store } = this.#context
    const row = changes.name === undefined ? await store.getKey(keyId) : await store.renameKey(keyId, changes.name)
    if (row === null) throw unknownKey(keyId)
    return this.#toRecord(row)
  }

  /**
   * Revokes a key for good. Its record stays. Revoking it again changes nothing.
   *
   * @throws FST_API_KEY_NOT_FOUND
   */
  async revoke (keyId: string, by: By = {}): Promise<KeyRecord> {
    checkKeyId(keyId)
    checkBy(by)
    const at = this.#context.settings.now()
    const revoked = await this.#context.store.revokeKey(keyId, at)
    if (revoked === null) throw unknownKey(keyId)
    const key = this.#toRecord(revoked.row)
    if (revoked.changed) this.#context.announce('apiKeyRevoked', { key, ...changeBy(by, at) })
    return key
  }

  /**
   * Ends a key's login: its address is forgotten. The key keeps working, and its next use begins a new login.
   *
   * @throws FST_API_KEY_NOT_FOUND
   */
  async logout (keyId: string, by: By = {}): Promise<KeyRecord> {
    checkKeyId(keyId)
    checkBy(by)
    const { store, activity, settings } = this.#context
    const at = settings.now()
    const ended = await store.logoutKey(keyId, at)
    if (ended === null) throw unknownKey(keyId)
    const wasNoted = activity.logout(keyId)
    this.#verifier.forgetLogin(ended.digest)
    const key = this.#toRecord(ended.row)
    if (ended.changed || wasNoted) this.#context.announce('apiUserLoggedOut', { key, ...changeBy(by, at) })
    return key
  }

  /**
   * Verifies a secret as the hook does, and counts as a use.
   *
   * @param ip the caller's address, kept as the key's `loggedIp`
   * @throws FST_API_KEY_INVALID, FST_API_KEY_REVOKED, FST_API_KEY_API_FORBIDDEN
   */
  async verify (secret: string, options: { ip?: string } = {}): Promise<ApiUser> {
    checkSecret(secret)
    checkVerifyOptions(options)
    const { ip = null } = options
    return this.accept(await this.check(secret), ip)
  }

  /** Answers "whose key is this, in what state", without side effects. Null when there is no such key. */
  async identify (secret: string): Promise<KeyRecord | null> {
    checkSecret(secret)
    const row = await this.#verifier.find(secret)
    return row === null ? null : this.#toRecord(row)
  }

  /**
   * Writes the uses that are noted in memory and would otherwise be written within a second.
   *
   * @throws FST_API_KEY_UNAVAILABLE; the uses are kept and tried again
   */
  async flush (): Promise<void> {
    await this.#context.activity.flush()
  }

  /** @internal First half of `verify`, for the hook: finds and judges, synchronously where it can. */
  check (secret: string): Access | Promise<Access> {
    return this.#verifier.check(secret)
  }

  /** @internal Second half of `verify`, for the hook: notes the use and tells of the login. */
  accept (access: Access, ip: string | null): ApiUser {
    const { activity, settings, announce } = this.#context
    const at = settings.now()
    const before = access.loggedIp
    const address = ip ?? before
    activity.note(access, at, address)
    if (this.listenerCount('apiUserLoggedIn') > 0) {
      announce('apiUserLoggedIn', { user: access.user, ip, at: new Date(at), isNew: before === null || before !== address })
    }
    return access.user
  }

  /** @internal Writes what is noted, stops, and closes the database if the plugin opened it. */
  async close (): Promise<void> {
    await this.#context.activity.close()
    await this.#context.store.close()
  }

  #toRecord (row: KeyRow): KeyRecord {
    return toKeyRecord(this.#context.activity.ofKey(row))
  }
}

/** Ids are UUIDs. Anything else may be the secret, passed by mistake, and is not shown. */
function unknownKey (keyId: string): Error {
  return new NotFoundError('API key', /^[0-9a-f-]{36}$/.test(keyId) ? keyId : '…')
}
