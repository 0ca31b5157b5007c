import { toMilliseconds, type Duration } from '../durations.js'
import type { Admission } from './admission.js'
import { checkRevocation, checkRotation } from './arguments.js'
import { checkKeyChanges, checkKeyFields } from './key-arguments.js'
import type { Context } from './context.js'
import { boundsOf, type Bounds } from './delegation.js'
import type { By } from './events.js'
import type { KeyChanges } from './granting.js'
import { readHistory, type HistoryPage, type HistoryQuery } from './history.js'
import { issue, type KeyRequest } from './issuing.js'
import { revokeKey, rotateKey, unknownKey, updateKey } from './lifecycle.js'
import { findKeys, type KeyPage, type KeySearch } from './listing.js'
import { toKeyRecord, type KeyRecord, type NewKey } from './records.js'
import { readRate, type RateRecord } from './rate.js'
import { readUsage, type DayUsage, type UsageRange } from './usage.js'

/** Whoever asks for something and is not the application: a person who is signed in, or a program by its key. */
export interface Principal {
  /** Whose keys it is about; those of others are not there. */
  readonly owner: string
  /** The secret that asks; null for a person. */
  readonly secret: string | null
  /** What is noted of a change. */
  readonly by: By
}

/**
 * What people and programs do with the keys of an owner: of the acts of `ApiKeys` those that are about keys, within what
 * whoever asks may give. Each throws what the act of the same name there throws, FST_API_KEY_NOT_FOUND for a key of
 * somebody else, and where it makes more of a key FST_API_KEY_BEYOND_OWN.
 */
export class OnBehalf {
  readonly #context: Context
  readonly #admission: Pick<Admission, 'peekRate'>

  /** Made by the service. */
  constructor (context: Context, admission: Pick<Admission, 'peekRate'>) {
    this.#context = context
    this.#admission = admission
  }

  async create (principal: Principal, options: Omit<KeyRequest, 'userId' | 'metadata'>): Promise<NewKey> {
    checkKeyFields(options, this.#context.settings)
    const [key] = await issue(this.#context, [{ ...options, userId: principal.owner }], principal.by, this.#boundsOf(principal))
    return key as NewKey
  }

  async get (principal: Principal, keyId: string): Promise<KeyRecord> {
    const { store, activity, settings } = this.#context
    const row = await store.getKey(keyId)
    if (row === null || row.userId !== principal.owner) throw unknownKey(keyId)
    return toKeyRecord(activity.ofKey(row), settings.now(), settings)
  }

  async find ({ owner }: Principal, query: KeySearch): Promise<KeyPage> {
    return await findKeys(this.#context, owner, query)
  }

  async update (principal: Principal, keyId: string, changes: Omit<KeyChanges, 'metadata'>): Promise<KeyRecord> {
    checkKeyChanges(changes, this.#context.settings)
    await this.get(principal, keyId)
    return await updateKey(this.#context, keyId, changes, principal.by, this.#boundsOf(principal))
  }

  /** Of several at once only one: the others would end a secret that somebody was just given, a program by one that had ended. */
  async rotate (principal: Principal, keyId: string, options: { overlap?: Duration }): Promise<NewKey> {
    checkRotation(options)
    const { rotatedAt } = await this.get(principal, keyId)
    return await rotateKey(this.#context, keyId, { overlap: toMilliseconds(options.overlap ?? 0), seen: rotatedAt }, principal.by, this.#boundsOf(principal))
  }

  async revoke (principal: Principal, keyId: string, options: { reason?: string }): Promise<KeyRecord> {
    checkRevocation(options)
    await this.get(principal, keyId)
    return await revokeKey(this.#context, keyId, options.reason ?? null, principal.by, this.#boundsOf(principal))
  }

  async usage (principal: Principal, keyId: string, range: UsageRange): Promise<DayUsage[]> {
    await this.get(principal, keyId)
    return await readUsage(this.#context, keyId, range)
  }

  async rateLimit (principal: Principal, keyId: string): Promise<RateRecord | null> {
    await this.get(principal, keyId)
    return await readRate(this.#context, this.#admission, keyId)
  }

  async history (principal: Principal, keyId: string, paging: Pick<HistoryQuery, 'limit' | 'cursor'>): Promise<HistoryPage> {
    await this.get(principal, keyId)
    return await readHistory(this.#context, { ...paging, keyId })
  }

  #boundsOf ({ secret, by }: Principal): Bounds {
    return boundsOf(secret, by.ip ?? null, this.#context.settings)
  }
}
