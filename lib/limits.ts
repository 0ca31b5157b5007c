import { checkObject, isPlainObject, isWhole, type Check, type Checks, type Refuse } from './checks.js'
import { DURATION_FORMS, MAX_DURATION, readDuration, toMilliseconds, type Duration } from './durations.js'
import { describe } from './errors.js'

const SECOND = 1000
const MAX_WINDOW = 31 * 86_400_000

/** The most that a limit may allow. Whoever needs more wants no limit. */
const MAX_MAX = 1_000_000_000

/** At most `max` requests in each `timeWindow`, a duration from 1 second to 31 days. */
export interface RateLimitOptions {
  max: number
  timeWindow: Duration
}

/** At most `max` uses: in total, or in each period of `every`, a duration from 1 second on. */
export interface QuotaOptions {
  max: number
  every?: Duration | null
}

/** At most `max` in `timeWindow` milliseconds. */
export interface RateLimit {
  readonly max: number
  readonly timeWindow: number
}

/** Where a key stands within its rate limit. */
export interface RateState {
  readonly max: number
  /** Requests left in this window. */
  readonly remaining: number
  /** Seconds until the window is over. */
  readonly reset: number
}

const MAX: Check = { allowed: `a whole number from 1 to ${MAX_MAX}`, test: isWhole(1, MAX_MAX) }

/** A test for durations in milliseconds from `min` to `max`. */
const isBetween = (min: number, max: number) => (value: unknown) => {
  const duration = readDuration(value, min)
  return duration !== null && duration <= max
}

const RATE: Checks = {
  max: MAX,
  timeWindow: { allowed: `from 1 second to 31 days: ${DURATION_FORMS}`, test: isBetween(SECOND, MAX_WINDOW) }
}

const QUOTA: Checks = {
  max: MAX,
  every: { allowed: `from 1 second on, or null for a total: ${DURATION_FORMS}`, test: (value) => value === null || isBetween(SECOND, MAX_DURATION)(value) }
}

/** The check of a `rateLimit` that may be left to what holds otherwise. */
export const RATE_LIMIT: Check = {
  allowed: 'an object with max and timeWindow, false for none, or null for what holds otherwise',
  test: (value) => value === null || value === false || isPlainObject(value)
}

/** The check of a `quota`. */
export const QUOTA_OR_NONE: Check = {
  allowed: 'an object with max and, where it begins anew, every; or null for none',
  test: (value) => value === null || isPlainObject(value)
}

/**
 * Checks `{ max, timeWindow }`, both of which must be there.
 *
 * @param name what it is called in an error
 * @throws what `refuse` makes of what is missing or not allowed
 */
export function toRateLimit (value: unknown, name: string, refuse: Refuse): RateLimit {
  checkObject(value, name, `${name}.`, RATE, refuse)
  const { max, timeWindow } = value as Partial<RateLimitOptions>
  if (max === undefined || timeWindow === undefined) throw refuse(name, 'an object with max and timeWindow', describe(value))
  return { max, timeWindow: toMilliseconds(timeWindow) }
}

/**
 * Checks the `rateLimit` and the `quota` of an object whose properties are of the right kind.
 *
 * @param prefix put before a property's name in an error
 * @throws what `refuse` makes of what is missing or not allowed
 */
export function checkLimits (value: unknown, prefix: string, refuse: Refuse): void {
  const { rateLimit, quota } = value as { rateLimit?: unknown, quota?: unknown }
  if (isPlainObject(rateLimit)) toRateLimit(rateLimit, `${prefix}rateLimit`, refuse)
  if (!isPlainObject(quota)) return
  checkObject(quota, `${prefix}quota`, `${prefix}quota.`, QUOTA, refuse)
  if (quota['max'] === undefined) throw refuse(`${prefix}quota`, QUOTA_OR_NONE.allowed, 'one without max')
}

/** A rate limit as it is stored; nothing when nothing was said. Of none at all, `max` is 0. */
export function toRateTerms (rateLimit: RateLimitOptions | false | null | undefined): { rateMax?: number | null, rateWindow?: number | null } {
  if (rateLimit === undefined) return {}
  if (rateLimit === null) return { rateMax: null, rateWindow: null }
  if (rateLimit === false) return { rateMax: 0, rateWindow: null }
  return { rateMax: rateLimit.max, rateWindow: toMilliseconds(rateLimit.timeWindow) }
}

/** A quota as it is stored; nothing when nothing was said. Without one, nothing is counted any more. */
export function toQuotaTerms (quota: QuotaOptions | null | undefined): { quotaMax?: number | null, quotaEvery?: number | null } {
  if (quota === undefined) return {}
  const { max = null, every = null } = quota ?? {}
  return { quotaMax: max, quotaEvery: every === null ? null : toMilliseconds(every) }
}

/** The rate limit that is stored; null for none. */
export function toStoredRate (max: number | null, timeWindow: number | null): RateLimit | null {
  return max === null || timeWindow === null || max === 0 ? null : { max, timeWindow }
}
