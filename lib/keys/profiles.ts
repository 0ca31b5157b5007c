import { describe } from '../checks.js'
import { CallbackError, NotFoundError } from '../errors.js'
import { toQuotaTerms, toRateTerms, type QuotaOptions, type RateLimitOptions } from '../limits.js'
import type { ProfileFields, ProfileRow } from '../store/rows.js'
import { checkBy, checkPaging } from './arguments.js'
import type { Context } from './context.js'
import { changeBy, type By } from './events.js'
import { toExpiryTerms, type ExpiryOptions } from './expiry.js'
import { checkProfileFields } from './profile-arguments.js'
import type { ApiKeyScope } from './scopes.js'
import { toProfileRecord, type ProfileRecord } from './profile-records.js'
import { toKeyRecord, type User } from './records.js'
import { checkUserId } from './ids.js'

/** What a profile can be given; null and what is absent follow its group, or else the plugin's defaults. */
export interface ProfileOptions {
  /** Live keys it may hold, -1 for unlimited. */
  maxKeys?: number | null
  /** The group it belongs to, one of the option `groups`. */
  group?: string | null
  /** The scopes that its keys may have. */
  scopes?: readonly ApiKeyScope[] | null
  /** How long its keys live when they say nothing themselves, and at most; `false` is without end. */
  expiry?: ExpiryOptions | null
  /** Requests in each window that each of its keys may make when it says nothing itself; `false` for no limit. */
  rateLimit?: RateLimitOptions | false | null
  /** Uses of each of its keys that says nothing itself, in total or in each period; `false` for no quota. */
  quota?: QuotaOptions | false | null
  /** Whether its keys are accepted. */
  canUseApi?: boolean | null
  /** Whether keys may be made for it. */
  canMakeKeys?: boolean | null
}

/** Users' standing with the API: `fastify.apiKeys.profiles`. Every method also throws FST_API_KEY_UNAVAILABLE. */
export class Profiles {
  readonly #context: Context

  /** Made by the plugin. */
  constructor (context: Context) {
    this.#context = context
  }

  /**
   * Finds the user's profile, or makes it. One that is there is not changed. Safe to call from the application's own
   * "user created" event, as often as that comes.
   *
   * @throws FST_API_KEY_INVALID_ARGUMENT
   */
  async create (userId: string, options: ProfileOptions = {}, by: By = {}): Promise<ProfileRecord> {
    checkUserId(userId)
    checkProfileFields(options, this.#context.settings)
    checkBy(by)
    const { store, settings, authorOf, announce } = this.#context
    const at = settings.now()
    const { row, created } = await store.ensureProfile(userId, toFields(options), at, authorOf(by, at))
    const profile = this.#toRecord(row)
    if (created) announce('apiUserCreated', { profile, ...changeBy(by, at) })
    return profile
  }

  /** Finds the user's profile; null when there is none. */
  async get (userId: string): Promise<ProfileRecord | null> {
    checkUserId(userId)
    const row = await this.#context.store.getProfile(userId)
    return row === null ? null : this.#toRecord(row)
  }

  /**
   * Changes the user's profile; what is absent stays, null goes back to the plugin's default.
   *
   * @throws FST_API_KEY_NOT_FOUND, FST_API_KEY_INVALID_ARGUMENT
   */
  async update (userId: string, changes: ProfileOptions, by: By = {}): Promise<ProfileRecord> {
    checkUserId(userId)
    checkProfileFields(changes, this.#context.settings)
    checkBy(by)
    const { store, settings, authorOf, announce } = this.#context
    const at = settings.now()
    const updated = await store.updateProfile(userId, toFields(changes), authorOf(by, at))
    if (updated === null) throw new NotFoundError('profile', userId)
    const profile = this.#toRecord(updated.row)
    if (updated.changed) announce('apiUserUpdated', { profile, ...changeBy(by, at) })
    return profile
  }

  /**
   * Lists profiles by ascending id.
   *
   * @param paging at most `limit` of them (1 to 1000, default 100), from the first after the id `cursor`; only of users whose
   * id begins with `search`
   */
  async list (paging: { cursor?: number, limit?: number, search?: string } = {}): Promise<ProfileRecord[]> {
    checkPaging(paging)
    const rows = await this.#context.store.listProfiles(paging.cursor ?? 0, paging.limit ?? 100, paging.search ?? '')
    return this.#context.activity.ofProfiles(rows).map((row) => toProfileRecord(row, this.#context.settings))
  }

  /**
   * Deletes the user's profile and revokes its keys in the same step. The keys stay as history; `create` begins anew.
   *
   * @throws FST_API_KEY_NOT_FOUND
   */
  async delete (userId: string, by: By = {}): Promise<ProfileRecord> {
    checkUserId(userId)
    checkBy(by)
    const { store, activity, settings, authorOf, announce } = this.#context
    const at = settings.now()
    const deleted = await store.deleteProfile(userId, at, 'the profile was deleted', authorOf(by, at))
    if (deleted === null) throw new NotFoundError('profile', userId)
    for (const row of deleted.revoked) announce('apiKeyRevoked', { key: toKeyRecord(activity.ofKey(row), at, settings), ...changeBy(by, at) })
    const profile = this.#toRecord(deleted.row)
    announce('apiUserDeleted', { profile, ...changeBy(by, at) })
    return profile
  }

  #toRecord (row: ProfileRow): ProfileRecord {
    const { activity, settings } = this.#context
    const [noted = row] = activity.ofProfiles([row])
    return toProfileRecord(noted, settings)
  }
}

/**
 * Whether a user without a profile gets one by itself, as the option `autoProfile` says.
 *
 * @throws FST_API_KEY_INVALID_CALLBACK_RESULT
 */
export async function mayGetProfile ({ settings }: Pick<Context, 'settings'>, user: User): Promise<boolean> {
  if (typeof settings.autoProfile === 'boolean') return settings.autoProfile
  const answer: unknown = await settings.autoProfile(user)
  if (typeof answer !== 'boolean') throw new CallbackError('autoProfile', 'a boolean', describe(answer))
  return answer
}

/** The fields to store. Leaves out what is undefined, which a database would take for null. */
function toFields ({ expiry, rateLimit, quota, ...options }: ProfileOptions): ProfileFields {
  const fields = { ...options, ...toRateTerms(rateLimit), ...toQuotaTerms(quota), ...(expiry === undefined ? {} : toExpiryTerms(expiry ?? { default: null, max: null })) }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
