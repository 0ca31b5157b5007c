import { NoProfileError } from '../errors.js'
import { Admission } from './admission.js'
import { checkSecret } from './arguments.js'
import { findRefused } from './profile-arguments.js'
import type { Context } from './context.js'
import type { By } from './events.js'
import { OnBehalf } from './on-behalf.js'
import type { PatientSaves } from './patience.js'
import type { ProfileRecord } from './profile-records.js'
import { mayGetProfile, type Profiles } from './profiles.js'
import { toKeyRecord, type KeyRecord, type User } from './records.js'
import type { RefusalLog } from './refusals.js'
import { resolveTerms, type Resolved } from './terms.js'
import { readUses, type DayUsage } from './usage.js'

/** A profile that says nothing itself. */
const SILENT = { maxKeys: null, scopes: null, expiryDefault: null, expiryMax: null, rateMax: null, rateWindow: null, quotaMax: null, quotaEvery: null, canUseApi: null, canMakeKeys: null }

/** What the hook, the pages and the JSON API ask for of keys, and no application may. It is no part of `ApiKeys`, and found by `internalsOf`. */
export class Internals {
  /** What the hook makes of a request's key. */
  readonly admission: Admission
  /** What people and programs ask for by the API. */
  readonly onBehalf: OnBehalf
  readonly #context: Context
  readonly #profiles: Profiles
  readonly #saves: PatientSaves

  constructor (context: Context, profiles: Profiles, saves: PatientSaves, log: RefusalLog) {
    this.#context = context
    this.#profiles = profiles
    this.#saves = saves
    this.admission = new Admission(context, log)
    this.onBehalf = new OnBehalf(context, this.admission)
  }

  /** Finds a key by its secret, and whether that is not its present one but the one before its last rotation. Without any effect. */
  async recognize (secret: string): Promise<{ key: KeyRecord, isPrevious: boolean } | null> {
    checkSecret(secret)
    const row = await this.admission.find(secret)
    const { activity, settings } = this.#context
    return row === null ? null : { key: toKeyRecord(activity.ofKey(row), settings.now(), settings), isPrevious: row.isPrevious }
  }

  /**
   * How often each of some keys was used by day, in the last 30 days. Waits a moment for what is being written, of which some
   * may be missing where that takes longer.
   */
  async uses (keyIds: readonly string[]): Promise<Map<string, DayUsage[]>> {
    return await readUses(this.#context, keyIds)
  }

  /**
   * Finds the profile of somebody who looks at the pages, or makes it if `autoProfile` allows.
   *
   * @throws FST_API_KEY_NO_PROFILE
   */
  async visit (user: User, by: By = {}): Promise<ProfileRecord> {
    const profile = await this.#profiles.get(user.owner ?? user.id)
    if (profile !== null) return profile
    if (!await mayGetProfile(this.#context, user)) throw new NoProfileError(user.owner ?? user.id)
    return await this.#profiles.create(user.owner ?? user.id, {}, by)
  }

  /** The names of the groups that are declared. */
  groups (): string[] {
    return [...this.#context.settings.groups.keys()]
  }

  /** What holds for a profile of a group, or of none, that says nothing itself. */
  inherited (group: string | null): Resolved {
    return resolveTerms({ ...SILENT, group }, this.#context.settings)
  }

  /** Whether rate limits can be counted. */
  countsRates (): boolean {
    return this.#context.settings.countsRates?.() !== false
  }

  /** The name of the first argument that `profiles.update` refuses of changes, such as `quota.every`; null when it takes them. */
  findRefused (changes: object): string | null {
    return findRefused(changes, this.#context.settings)
  }

  /**
   * Stores the last uses and counts of processes that were killed. What cannot be stored now will be later. The start waits two
   * seconds for it, and what is left then is stored meanwhile, since Fastify does not wait for long.
   */
  async recover (): Promise<void> {
    await this.#saves.settle(this.#context.activity.recover())
  }

  /** Writes what is noted, unless the database has gone silent, stops, and closes it if the plugin opened it. */
  async close (): Promise<void> {
    this.admission.close()
    await this.#saves.settle(this.#context.activity.close())
    await this.#context.store.close()
  }
}
