import { TooManyFailuresError } from '../errors.js'
import type { RateLimit } from '../limits.js'
import { Cache } from './cache.js'
import { isAddress } from './arguments.js'
import { networkOf } from './network.js'

/** How many addresses are kept in mind, the newest; whoever has more can begin anew with each of them anyway. */
const MAX_ADDRESSES = 50_000

/** Failed attempts from one address in one window. */
interface Failures {
  readonly until: number
  count: number
}

/**
 * Counts attempts that failed, by address, in fixed windows that begin with the first of them. An address with too many
 * has to wait before it may cost the database anything; keys that are in the cache do not come here. In this process's
 * memory, and not across nodes: what it protects is the database behind this process.
 */
export class FailureLimit {
  readonly #limit: RateLimit
  readonly #now: () => number
  readonly #failures = new Cache<string, Failures>(MAX_ADDRESSES)

  constructor (limit: RateLimit, now: () => number) {
    this.#limit = limit
    this.#now = now
  }

  /**
   * Lets an address pass that may try a key.
   *
   * @throws FST_API_KEY_TOO_MANY_FAILURES with the seconds to wait as `retryAfter`
   */
  check (ip: string): void {
    const failures = this.#failures.get(sourceOf(ip))
    if (failures === undefined || failures.count < this.#limit.max) return
    const left = this.#left(failures, this.#now())
    if (left > 0) throw Object.assign(new TooManyFailuresError(), { retryAfter: Math.ceil(left / 1000) })
  }

  /** Counts a failed attempt. */
  note (ip: string): void {
    const source = sourceOf(ip)
    const now = this.#now()
    const failures = this.#failures.get(source)
    if (failures !== undefined && this.#left(failures, now) > 0) failures.count += 1
    // A part of a header would keep all of that in memory, and a copy does not.
    else this.#failures.set(Buffer.from(source).toString(), { until: now + this.#limit.timeWindow, count: 1 })
  }

  /** Milliseconds until a window is over. One that would last longer than any began before the clock was set back, and is. */
  #left ({ until }: Failures, now: number): number {
    const left = until - now
    return left > this.#limit.timeWindow ? 0 : left
  }
}

/** Whose attempts are counted together. What is no address, as a proxy may pass on what it was sent, is all one. */
function sourceOf (ip: string): string {
  return isAddress(ip) ? networkOf(ip) : ''
}
