import { isRefusal, MissingKeyError } from '../errors.js'
import type { RateLimit, RateState } from '../limits.js'
import type { AccessRow } from '../store/rows.js'
import type { Access } from './access.js'
import { isAddress } from './arguments.js'
import type { Context } from './context.js'
import { FailureLimit } from './failures.js'
import { revokeKey } from './lifecycle.js'
import { Limits, type RateLimiter } from './limiting.js'
import type { ApiUser } from './records.js'
import { Refusals, type RefusalLog } from './refusals.js'
import { Verifier, type Caller } from './verifier.js'

/** Stored in place of the address of a login that is unknown or not to be kept: there is a login, from nowhere that is known. */
const NO_ADDRESS = ''

/**
 * What requests with a secret go through, step by step, so that the hook can look at address and scopes in between: found
 * and judged, limited, accepted or refused. Synchronous where it can be.
 */
export class Admission {
  readonly #context: Context
  readonly #verifier: Verifier
  readonly #failures: FailureLimit | null
  readonly #refusals: Refusals
  readonly #limits: Limits

  constructor (context: Context, log: RefusalLog) {
    const { store, settings, activity } = context
    this.#context = context
    this.#refusals = new Refusals(log)
    this.#limits = new Limits(store, settings.now)
    this.#failures = settings.failureLimit === null ? null : new FailureLimit(settings.failureLimit, settings.now)
    this.#verifier = new Verifier(store, activity, settings, this.#failures)
  }

  /** Finds a key in whatever state, without any effect. */
  async find (secret: string): Promise<AccessRow | null> {
    return await this.#verifier.find(secret)
  }

  /** Makes the next use of a key begin a login. */
  forgetLogin (digest: string): void {
    this.#verifier.forgetLogin(digest)
  }

  /** The application's time. A request asks for it once, since that takes as long as much else that is done for it. */
  now (): number {
    return this.#context.settings.now()
  }

  /** Finds a key and judges its state. */
  check (secret: string, caller?: Caller, at = this.now()): Access | Promise<Access> {
    return this.#verifier.check(secret, at, caller)
  }

  /** Takes a request from what the key may: its rate limit and its quota. Nothing happens to a key that has none. */
  limit (access: Access): RateState | null | Promise<RateState | null> {
    return access.isLimited ? this.#limits.take(access) : null
  }

  /** Notes the use and tells of the login. */
  accept (access: Access, ip: string | null, at = this.now()): ApiUser {
    const { activity, settings, isHeard, announce } = this.#context
    const before = access.loggedIp
    const address = settings.recordIp ? ip ?? before ?? NO_ADDRESS : NO_ADDRESS
    activity.note(access, at, address)
    if (isHeard('apiUserLoggedIn')) {
      announce('apiUserLoggedIn', { user: access.user, ip, at: new Date(at), isNew: before === null || before !== address })
    }
    return access.user
  }

  /** Takes note of what refuses a caller: for the log, and for the limit of failed attempts. */
  refuse (error: unknown, caller: Caller): void {
    if (!isRefusal(error)) return
    const { activity, settings } = this.#context
    const { code, statusCode, keyId = null } = error
    const ip = caller.ip ?? null
    if (ip !== null && statusCode === 401 && !(error instanceof MissingKeyError)) this.#failures?.note(ip)
    if (keyId !== null) activity.refuse(keyId, settings.now(), code)
    this.#refusals.note({ reason: code, keyId, ip: settings.recordIp && isAddress(ip) ? ip : null })
  }

  /** All of these steps for a secret that comes without a request. Throws what they throw. */
  async admit (secret: string, ip: string | null): Promise<ApiUser> {
    const caller = { ip }
    try {
      const access = await this.check(secret, caller)
      access.judgeAddress(ip)
      await this.limit(access)
      return this.accept(access, ip)
    } catch (error) {
      this.refuse(error, caller)
      throw error
    }
  }

  /**
   * Revokes the key of a secret that works or would but for its state or its profile; false when there is none, or when the
   * secret was replaced and its time is over.
   *
   * @throws FST_API_KEY_TOO_MANY_FAILURES
   */
  async revoke (secret: string, ip: string | null): Promise<boolean> {
    if (ip !== null) this.#failures?.check(ip)
    const row = await this.find(secret)
    if (row === null || (row.isPrevious && Number(row.previousUntil) <= this.#context.settings.now())) return false
    // Nothing is to be written, and whoever has the secret may send it as often as they like.
    if (row.revokedAt !== null || row.deletedAt !== null) {
      if (ip !== null) this.#failures?.note(ip)
      return true
    }
    await revokeKey(this.#context, row.id, 'by the key itself', ip === null ? {} : { ip })
    return true
  }

  /** Says what checks rate limits; null for nothing, and then every key that has one is refused. */
  useLimiter (limiter: RateLimiter | null): void {
    this.#limits.limiter = limiter
  }

  /** Where a key stands within its rate limit, without any effect; null when that cannot be told. */
  async peekRate (keyId: string, limit: RateLimit): Promise<RateState | null> {
    return await this.#limits.peek(keyId, limit)
  }

  /** Logs the refusals that were only counted. */
  close (): void {
    this.#refusals.flush()
  }
}
