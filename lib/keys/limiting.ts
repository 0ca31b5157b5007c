import { InvalidKeyError, QuotaError, RateLimitError, UnavailableError } from '../errors.js'
import type { RateLimit, RateState } from '../limits.js'
import type { Quota, QuotaCount } from '../store/bookkeeping.js'
import type { Store } from '../store/store.js'

/** Counts a request of a key against its rate limit. Rejects when that cannot be done. */
export type CheckRate = (keyId: string, limit: RateLimit) => Promise<RateState & { readonly isExceeded: boolean }>

/** Tells where a key stands within its rate limit and counts nothing. Rejects when that cannot be told. */
export type PeekRate = (keyId: string, limit: RateLimit) => Promise<RateState>

/** What counts the requests of keys. */
export interface RateLimiter {
  readonly check: CheckRate
  /** Null where looking would count as a request. */
  readonly peek: PeekRate | null
}

/** What is looked at of a key: what it may do, by itself or by whom it belongs to. */
export interface Limited {
  readonly user: { readonly keyId: string }
  readonly rate: RateLimit | null
  readonly quota: Quota | null
}

/** Holds keys to their rate limits and quotas. A limit that cannot be checked refuses. */
export class Limits {
  /** Null where nothing can check rate limits. */
  limiter: RateLimiter | null = null
  readonly #store: Pick<Store, 'takeQuota'>
  readonly #now: () => number

  constructor (store: Pick<Store, 'takeQuota'>, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /**
   * Takes one request of a key from its limits, the rate first, so that a request which is refused by it costs no quota.
   * Synchronous for a key that has none, and for a quota where the engine is.
   *
   * @returns where the key stands within its rate limit; null when it has none
   * @throws FST_API_KEY_RATE_LIMIT_EXCEEDED, FST_API_KEY_QUOTA_EXCEEDED, FST_API_KEY_UNAVAILABLE
   */
  take (key: Limited): RateState | null | Promise<RateState | null> {
    return key.rate === null ? this.#takeQuota(key) : this.#takeBoth(key, key.rate)
  }

  async #takeBoth (key: Limited, rate: RateLimit): Promise<RateState> {
    const { keyId } = key.user
    const state = await this.#askRate(keyId, rate)
    if (state.isExceeded) throw Object.assign(new RateLimitError(), { keyId, retryAfter: state.reset, rate: state })
    await this.#takeQuota(key)
    return state
  }

  /** Where a key stands within its rate limit; null when that cannot be told without counting a request, or not now. */
  async peek (keyId: string, rate: RateLimit): Promise<RateState | null> {
    try {
      return await this.limiter?.peek?.(keyId, rate) ?? null
    } catch {
      // To know it is not worth an error. What is wrong with the store is logged with the requests that it refuses.
      return null
    }
  }

  async #askRate (keyId: string, rate: RateLimit): ReturnType<CheckRate> {
    if (this.limiter === null) throw new UnavailableError({ cause: new Error('rate limits need the package @fastify/rate-limit, and an application that is ready') })
    try {
      return await this.limiter.check(keyId, rate)
    } catch (error) {
      throw new UnavailableError({ cause: error })
    }
  }

  #takeQuota (key: Limited): null | Promise<null> {
    const { quota, user: { keyId } } = key
    if (quota === null) return null
    const at = this.#now()
    const count = this.#store.takeQuota(keyId, quota, at)
    return count instanceof Promise ? count.then((count) => judgeQuota(keyId, quota, at, count)) : judgeQuota(keyId, quota, at, count)
  }
}

function judgeQuota (keyId: string, { every }: Quota, at: number, count: QuotaCount | null): null {
  // It was deleted while it was being checked.
  if (count === null) throw new InvalidKeyError()
  if (count.isTaken) return null
  // A total quota does not come back, so there is no time to say.
  throw Object.assign(new QuotaError(), { keyId, ...(every !== null && { retryAfter: Math.ceil((count.since + every - at) / 1000) }) })
}
