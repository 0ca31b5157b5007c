import { AddressError, ApiForbiddenError, DisabledKeyError, ExpiredKeyError, InternalError, RevokedKeyError, RotatedKeyError, UnknownGroupError } from '../errors.js'
import { findWrongLimit, findQuota, findRate, saysQuota, saysRate, type RateLimit } from '../limits.js'
import type { Quota } from '../store/bookkeeping.js'
import type { AccessRow } from '../store/rows.js'
import { Networks } from './addresses.js'
import type { ApiUser } from './records.js'
import { narrow } from './scopes.js'
import type { Resolved } from './terms.js'

/**
 * A key that was found, as it is kept for requests: what can refuse it, and its last use. One flat object, since with many
 * keys in use every object that a request touches is a wait for memory.
 */
export class Access {
  // What each request touches comes first, so that it is close together in memory.
  readonly user: ApiUser
  /** The generation under which the row was read. */
  readonly generation: number
  /** How many changes had been told of when the row was read. */
  readonly drops: number
  /** Whether this is the secret before the last rotation. */
  readonly isPrevious: boolean
  /** Why it is refused whatever the time is; null when it is not. */
  readonly #refusal: (() => Error) | null
  /** When the first of its ends comes: that of the key, or that of a secret which was replaced. */
  readonly #endsAt: number | null
  readonly #networks: Networks | null
  /** Whether it has a rate limit or a quota. */
  readonly isLimited: boolean
  /**
   * The time of the last use. A number from the beginning, as the other times that change: where a field was ever anything
   * else, each number that is set is an object of its own, one more for each request.
   */
  usedAt = 0
  /** The address of the current login; null before the first one and after a logout. */
  loggedIp: string | null
  /** How often it was accepted today, as far as neither the database nor an entry of the log tells. */
  accepted = 0
  /** Whether the last use still waits to be stored. */
  isWaiting = false
  /** Whether it waits to be logged as well. Never without the former. */
  isUnlogged = false
  /** The time of the last use of the secret before the last rotation; 0 for never. */
  previousUsedAt = 0
  /** How often it was accepted today by entries of the log that are not stored yet. */
  logged = 0
  /** Whether it is in the list of what may wait to be logged. */
  isListed = false
  readonly rate: RateLimit | null
  readonly quota: Quota | null
  readonly #expiresAt: number | null

  /** @param terms what holds for the key's profile */
  constructor (row: AccessRow, terms: Resolved, generation: number, drops = 0) {
    const { id, profileId, userId, name } = row
    const scopes = row.scopes.length === 0 ? NO_SCOPES : Object.freeze(narrow(row.scopes, terms.scopes))
    this.user = Object.freeze({ id: userId, profileId, keyId: id, keyName: name, scopes })
    this.generation = generation
    this.drops = drops
    this.isPrevious = row.isPrevious
    this.#expiresAt = row.expiresAt
    this.#endsAt = endOf(row)
    this.#networks = row.allowedIps === null ? null : new Networks(row.allowedIps)
    this.rate = saysRate(row) ? findRate([row]) : terms.rate
    this.quota = saysQuota(row) ? findQuota([row]) : terms.quota
    this.#refusal = refusalOf(row, terms, findWrongLimit(this.rate, this.quota))
    this.isLimited = this.rate !== null || this.quota !== null
    this.usedAt = row.lastUsedAt ?? 0
    this.previousUsedAt = row.previousUsedAt ?? 0
    this.loggedIp = row.loggedIp
  }

  /** Whether it matters from where the key is used. */
  get isBound (): boolean {
    return this.#networks !== null
  }

  /**
   * Every check of the state, which can change with time or by a change of the key or its profile; made on each request.
   *
   * @param at now
   * @throws FST_API_KEY_REVOKED, FST_API_KEY_EXPIRED, FST_API_KEY_ROTATED, FST_API_KEY_DISABLED,
   * FST_API_KEY_UNKNOWN_GROUP, FST_API_KEY_API_FORBIDDEN; FST_API_KEY_INTERNAL when its limits make no sense
   */
  judge (at: number): void {
    if (this.#endsAt !== null) this.#judgeTime(at)
    if (this.#refusal !== null) throw this.#about(this.#refusal())
  }

  /**
   * Checks from where the key is used.
   *
   * @param ip null when that is not known
   * @throws FST_API_KEY_ADDRESS
   */
  judgeAddress (ip: string | null): void {
    if (this.#networks !== null && !this.#networks.include(ip)) throw this.#about(new AddressError())
  }

  /** Takes over what was noted by an object of the same key that was read before, or found by its other secret. */
  carryOn (earlier: Access): void {
    this.accepted += earlier.accepted
    this.logged += earlier.logged
    earlier.accepted = 0
    earlier.logged = 0
    this.previousUsedAt = Math.max(this.previousUsedAt, earlier.previousUsedAt)
    // Two secrets of one key are noted apart, and with a clock that was set back the other one's use may be the later.
    if (earlier.usedAt <= this.usedAt) return
    this.usedAt = earlier.usedAt
    this.loggedIp = earlier.loggedIp
  }

  /** Says which key a refusal is about. */
  #about (error: Error): Error {
    return Object.assign(error, { keyId: this.user.keyId })
  }

  #judgeTime (at: number): void {
    if (this.#refusal === revoked || this.#endsAt === null || at < this.#endsAt) return
    throw this.#about(this.#expiresAt !== null && at >= this.#expiresAt ? new ExpiredKeyError() : new RotatedKeyError())
  }
}

const revoked = () => new RevokedKeyError()
const disabled = () => new DisabledKeyError()
const unknownGroup = () => new UnknownGroupError()
const forbidden = () => new ApiForbiddenError()

/** @param wrong what is wrong with its limits */
function refusalOf (row: AccessRow, terms: Resolved, wrong: string | null): (() => Error) | null {
  // A profile that somebody marked as deleted by hand has keys that nothing revoked.
  if (row.revokedAt !== null || row.deletedAt !== null) return revoked
  if (row.enabled === false) return disabled
  if (!terms.isKnownGroup) return unknownGroup
  if (!terms.canUseApi) return forbidden
  // Half a limit is no reason to go without.
  return wrong === null ? null : () => new InternalError({ cause: new Error(`the database holds ${wrong} for this key`) })
}

/** When a key ends as the one who has a certain secret sees it: with the overlap, where that was replaced. */
export function endOf ({ expiresAt, previousUntil, isPrevious }: AccessRow): number | null {
  if (!isPrevious || previousUntil === null) return expiresAt
  return expiresAt === null ? previousUntil : Math.min(expiresAt, previousUntil)
}

const NO_SCOPES: readonly string[] = Object.freeze([])
