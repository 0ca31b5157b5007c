import { checkObject, describe, isPlainObject, isWhole, type Check, type Checks, type Refuse } from './checks.js'
import { DURATION_FORMS, MAX_DURATION, readDuration, toMilliseconds, type Duration } from './durations.js'
import type { Quota } from './store/bookkeeping.js'

const SECOND = 1000
const MAX_WINDOW = 31 * 86_400_000

/** The most that a limit may allow. Whoever needs more wants no limit. */
export const MAX_MAX = 1_000_000_000

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

/** What is allowed where nothing counts rate limits. */
export const UNCOUNTED = 'left out, as long as @fastify/rate-limit is not installed; install it with: npm install @fastify/rate-limit'

/** The check of a `rateLimit` that may be left to what holds otherwise. */
export const RATE_LIMIT: Check = {
  allowed: 'an object with max and timeWindow, false for none, or null for what holds otherwise',
  test: (value) => value === null || value === false || isPlainObject(value)
}

/** The check of a `quota` that may be left to what holds otherwise. */
export const QUOTA_LIMIT: Check = {
  allowed: 'an object with max and, where it begins anew, every; false for none, or null for what holds otherwise',
  test: (value) => value === null || value === false || isPlainObject(value)
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
  if (quota['max'] === undefined) throw refuse(`${prefix}quota`, 'an object with max and, where it begins anew, every', 'one without max')
}

/** What is stored of a rate limit: of nothing said, both are null; of none at all, `rateMax` is 0. */
export interface RateTerms {
  readonly rateMax?: number | null
  readonly rateWindow?: number | null
}

/** The same of a quota. `quotaEvery` is null for one in total. */
export interface QuotaTerms {
  readonly quotaMax?: number | null
  readonly quotaEvery?: number | null
}

/** A rate limit as it is stored; nothing when nothing was said. */
export function toRateTerms (rateLimit: RateLimitOptions | false | null | undefined): RateTerms {
  if (rateLimit === undefined) return {}
  if (rateLimit === null) return { rateMax: null, rateWindow: null }
  if (rateLimit === false) return { rateMax: 0, rateWindow: null }
  return { rateMax: rateLimit.max, rateWindow: toMilliseconds(rateLimit.timeWindow) }
}

/** A quota as it is stored; nothing when nothing was said. */
export function toQuotaTerms (quota: QuotaOptions | false | null | undefined): QuotaTerms {
  if (quota === undefined) return {}
  if (quota === null || quota === false) return { quotaMax: quota === null ? null : 0, quotaEvery: null }
  const { max, every = null } = quota
  return { quotaMax: max, quotaEvery: every === null ? null : toMilliseconds(every) }
}

/**
 * The rate limit of the first level that says one, or that there is none; null for none. Both numbers are that level's:
 * one from here and one from there would be a limit that nobody set. What is missing of them is 0.
 */
export function findRate (levels: readonly RateTerms[]): RateLimit | null {
  const { rateMax, rateWindow } = levels.find(saysRate) ?? NOTHING
  return rateMax === 0 ? null : { max: rateMax ?? 0, timeWindow: rateWindow ?? 0 }
}

/** The same for the quota. */
export function findQuota (levels: readonly QuotaTerms[]): Quota | null {
  const { quotaMax, quotaEvery } = levels.find(saysQuota) ?? NOTHING
  return quotaMax === 0 ? null : { max: quotaMax ?? 0, every: quotaEvery ?? null }
}

/** Whether a level says anything about rate limits, be it by half. */
export function saysRate ({ rateMax, rateWindow }: RateTerms): boolean {
  return (rateMax ?? rateWindow ?? null) !== null
}

/** The same about quotas. */
export function saysQuota ({ quotaMax, quotaEvery }: QuotaTerms): boolean {
  return (quotaMax ?? quotaEvery ?? null) !== null
}

/**
 * What is wrong with limits that were found; null when nothing is. They are checked wherever they are set but in SQL, by
 * which half a limit can be left out, and then nobody knows what was meant.
 */
export function findWrongLimit (rate: RateLimit | null, quota: Quota | null): string | null {
  if (rate !== null && !(isPositive(rate.max) && isPositive(rate.timeWindow))) return `a rate limit with max ${rate.max} and timeWindow ${rate.timeWindow}`
  if (quota !== null && !(isPositive(quota.max) && (quota.every === null || isPositive(quota.every)))) return `a quota with max ${quota.max} and every ${quota.every}`
  return null
}

const isPositive = isWhole(1, Number.MAX_SAFE_INTEGER)

/** Where no level says anything, there is no limit. */
const NOTHING = { rateMax: 0, rateWindow: null, quotaMax: 0, quotaEvery: null }
