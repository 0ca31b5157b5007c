import { CallbackError, describe, NoProfileError, NotFoundError } from '../errors.js'
import type { ProfileRow } from '../store/store.js'
import { checkBy, checkPaging, checkProfileFields, checkUserId } from './arguments.js'
import type { Context } from './context.js'
import { changeBy, type By } from './events.js'
import { toKeyRecord, toProfileRecord, type ProfileRecord, type User } from './records.js'

/** What a profile can be given; null and what is absent follow the plugin's defaults. */
export interface ProfileOptions {
  /** Live keys it may hold, -1 for unlimited. */
  maxKeys?: number | null
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
    checkProfileFields(options)
    checkBy(by)
    const { store, settings, announce } = this.#context
    const at = settings.now()
    const { row, created } = await store.ensureProfile(userId, given(options), at)
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
    checkProfileFields(changes)
    checkBy(by)
    const row = await this.#context.store.updateProfile(userId, given(changes))
    if (row === null) throw new NotFoundError('profile', userId)
    return this.#toRecord(row)
  }

  /**
   * Lists profiles by ascending id.
   *
   * @param paging at most `limit` of them (1 to 1000, default 100), from the first after the id `cursor`
   */
  async list (paging: { cursor?: number, limit?: number } = {}): Promise<ProfileRecord[]> {
    checkPaging(paging)
    const rows = await this.#context.store.listProfiles(paging.cursor ?? 0, paging.limit ?? 100)
    return this.#context.activity.ofProfiles(rows).map((row) => toProfileRecord(row, this.#context.settings.maxKeys))
  }

  /**
   * Deletes the user's profile and revokes its keys in the same step. The keys stay as history; `create` begins anew.
   *
   * @throws FST_API_KEY_NOT_FOUND
   */
  async delete (userId: string, by: By = {}): Promise<ProfileRecord> {
    checkUserId(userId)
    checkBy(by)
    const { store, activity, settings, announce } = this.#context
    const at = settings.now()
    const deleted = await store.deleteProfile(userId, at)
    if (deleted === null) throw new NotFoundError('profile', userId)
    for (const row of deleted.revoked) announce('apiKeyRevoked', { key: toKeyRecord(activity.ofKey(row)), ...changeBy(by, at) })
    return this.#toRecord(deleted.row)
  }

  /**
   * @internal
   * Finds the profile of somebody who looks at the pages, or makes it if `autoProfile` allows.
   *
   * @throws FST_API_KEY_NO_PROFILE
   */
  async visit (user: User, by: By = {}): Promise<ProfileRecord> {
    const profile = await this.get(user.owner ?? user.id)
    if (profile !== null) return profile
    if (!await mayGetProfile(this.#context, user)) throw new NoProfileError(user.owner ?? user.id)
    return await this.create(user.owner ?? user.id, {}, by)
  }

  #toRecord (row: ProfileRow): ProfileRecord {
    const { activity, settings } = this.#context
    const [noted = row] = activity.ofProfiles([row])
    return toProfileRecord(noted, settings.maxKeys)
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

/** Leaves out what is undefined, which a database would take for null. */
function given (options: ProfileOptions): ProfileOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
