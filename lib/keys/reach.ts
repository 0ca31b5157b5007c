import { findQuota, findRate, saysQuota, saysRate, type RateLimit } from '../limits.js'
import type { Quota } from '../store/bookkeeping.js'
import type { KeyRow, KeyTerms } from '../store/rows.js'
import { lieWithin } from './addresses.js'
import type { Resolved } from './terms.js'

/*
 * What a key may, and whether that is within what another may, or somebody may give: in scopes, time, networks and limits.
 */

/** At most so many in a span of milliseconds; `Infinity` for no limit, and for a span without end. */
interface Limit {
  readonly max: number
  readonly span: number
  /** Whether it is left to the profile, with whatever that will say. */
  readonly isLeft: boolean
}

/** All that a key may, or somebody may give. */
export interface Reach {
  /** Null is every scope. */
  readonly scopes: readonly string[] | null
  /** When it ends; null is never. */
  readonly expiresAt: number | null
  /** Null is anywhere. */
  readonly allowedIps: readonly string[] | null
  readonly rate: Limit
  readonly quota: Limit
}

/** What a key may, which always has a list of scopes. */
export interface KeyReach extends Reach {
  readonly scopes: readonly string[]
}

/** In what respect one reach is beyond another, and how to say so. */
export interface Excess {
  readonly name: string
  readonly allowed: string
  readonly got: string
}

type Given = Pick<KeyRow, keyof KeyTerms>

/** What a key may, for a profile whose terms are these. */
export function reachOf (key: Given, terms: Resolved): KeyReach {
  return {
    // What the profile or its group withholds comes back when they allow it again. They are asked elsewhere.
    scopes: key.scopes,
    expiresAt: key.expiresAt,
    allowedIps: key.allowedIps,
    rate: saysRate(key) ? rateOf(findRate([key]), false) : rateOf(terms.rate, true),
    quota: saysQuota(key) ? quotaOf(findQuota([key]), false) : quotaOf(terms.quota, true)
  }
}

/** What a person may give: whatever the profile may have. */
export function reachOfProfile (terms: Resolved): Reach {
  return { scopes: terms.scopes, expiresAt: null, allowedIps: null, rate: rateOf(terms.rate, true), quota: quotaOf(terms.quota, true) }
}

function rateOf (rate: RateLimit | null, isLeft: boolean): Limit {
  return { max: rate?.max ?? Infinity, span: rate?.timeWindow ?? Infinity, isLeft }
}

function quotaOf (quota: Quota | null, isLeft: boolean): Limit {
  return { max: quota?.max ?? Infinity, span: quota?.every ?? Infinity, isLeft }
}

type Compare = (asked: KeyReach, own: Reach) => Excess | null

/** Each respect in which one reach may be beyond another; null where it is within. */
const RESPECTS: readonly Compare[] = [
  function scopes (asked, own) {
    const beyond = own.scopes === null ? [] : asked.scopes.filter((scope) => !own.scopes?.includes(scope))
    return beyond.length === 0 ? null : { name: 'scopes', allowed: `within ${own.scopes?.join(', ') || 'none'}`, got: beyond.join(', ') }
  },
  function expiry (asked, own) {
    if (own.expiresAt === null || (asked.expiresAt !== null && asked.expiresAt <= own.expiresAt)) return null
    return { name: 'expiresAt', allowed: `${toText(own.expiresAt)} or earlier`, got: toText(asked.expiresAt) }
  },
  function networks (asked, own) {
    if (own.allowedIps === null || (asked.allowedIps !== null && lieWithin(asked.allowedIps, own.allowedIps))) return null
    return { name: 'allowedIps', allowed: `within ${own.allowedIps.join(', ')}`, got: asked.allowedIps?.join(', ') ?? 'anywhere' }
  },
  ({ rate }, own) => isRateWithin(rate, own.rate) ? null : excessOf('rateLimit', rate, own.rate),
  ({ quota }, own) => isQuotaWithin(quota, own.quota) ? null : excessOf('quota', quota, own.quota)
]

/** In what respect a reach is beyond another; null when it is within. */
export function findExcess (asked: KeyReach, own: Reach): Excess | null {
  return firstOf(RESPECTS, (compare) => compare(asked, own))
}

/** In what respect something becomes more than it was and than may be given; null in none. */
export function findGain (after: KeyReach, before: Reach, own: Reach): Excess | null {
  return firstOf(RESPECTS, (compare) => compare(after, before) === null ? null : compare(after, own))
}

/**
 * Whether a change gives a key a shorter window than it had and than whoever asks has; null when it does not. A window that is over
 * ends the count of the one before: a limit that is set for a second and taken back would let all of the other pass once more.
 */
export function findShortened (after: KeyReach, before: KeyReach, own: Reach): Excess | null {
  if (own.rate.max === Infinity || after.rate.span >= Math.min(own.rate.span, before.rate.span)) return null
  return { name: 'rateLimit.timeWindow', allowed: `at least ${own.rate.span} ms, unless it was shorter`, got: `${after.rate.span} ms` }
}

function firstOf (respects: readonly Compare[], find: (compare: Compare) => Excess | null): Excess | null {
  for (const compare of respects) {
    const excess = find(compare)
    if (excess !== null) return excess
  }
  return null
}

function toText (time: number | null): string {
  return time === null ? 'never' : new Date(time).toISOString()
}

/** Whether a rate lets no more requests pass than another, in whatever time from the first one on. */
function isRateWithin (asked: Limit, own: Limit): boolean {
  return isOpen(asked, own) ?? asked.max * Math.ceil(own.span / asked.span) <= own.max
}

/** Whether a quota has no more uses and no shorter periods. Periods are not weighed, since a count goes on when they change. */
function isQuotaWithin (asked: Limit, own: Limit): boolean {
  return isOpen(asked, own) ?? (asked.max <= own.max && asked.span >= own.span)
}

/**
 * What can be said without comparing numbers; null when it is the numbers that decide. What the profile will say one day is
 * within no number, and no limit at all would outlast what it says today.
 */
function isOpen (asked: Limit, own: Limit): boolean | null {
  if (own.max === Infinity && !own.isLeft) return true
  if (asked.isLeft) return own.isLeft
  if (asked.max === Infinity) return false
  // Also of one that SQL has left by half.
  if (asked.max === own.max && asked.span === own.span) return true
  return own.max === Infinity ? true : null
}

function excessOf (name: string, asked: Limit, own: Limit): Excess {
  return { name, allowed: `at most ${inWords(own)}`, got: inWords(asked) }
}

function inWords ({ max, span, isLeft }: Limit): string {
  const text = max === Infinity ? 'no limit' : span === Infinity ? `${max} in total` : `${max} in ${span} ms`
  return isLeft ? `what the profile has, ${text}` : text
}
