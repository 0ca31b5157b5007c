import { BeyondOwnError } from '../errors.js'
import { findQuota, findRate, saysQuota, saysRate, type RateLimit } from '../limits.js'
import type { Quota } from '../store/bookkeeping.js'
import type { AccessRow, KeyFields, KeyRow, KeyTerms, ProfileRow, StoredKey } from '../store/rows.js'
import { judgeActing, type ActingSettings } from './acting.js'
import { lieWithin } from './addresses.js'
import type { KeyGrants } from './granting.js'
import { digestOf } from './secret.js'
import { resolveTerms, type Resolved } from './terms.js'

/*
 * What people and programs may give to keys by the API: nobody hands out more than they hold. For a person that is what the
 * profile may have, for a program what its own key may. Pure, and asked while the key in question is locked.
 *
 * One order is all that it rests on: whether a key, by all that it may, is within another. A new key has to be within what
 * the asker holds. So has a key that a program makes more of than it was, in whatever respect; while less than it was it may
 * become freely. A person holds all of their keys, so what counts there is only what becomes more.
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
function reachOfProfile (terms: Resolved): Reach {
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
function findGain (after: KeyReach, before: Reach, own: Reach): Excess | null {
  return firstOf(RESPECTS, (compare) => compare(after, before) === null ? null : compare(after, own))
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

/** Holds what somebody asks for to what they may give. Asked while the key is locked, and with it the acting one. */
export interface Bounds {
  /** The digest of the secret that asks; undefined for a person. */
  readonly acting: string | undefined
  /** What a new key is given, where it is not said; or why there can be none. */
  readonly create: (terms: KeyTerms, grants: KeyGrants, profile: ProfileRow, acting: AccessRow | null) => KeyTerms | Error
  /** What to change of a key; or why it may not be changed so. */
  readonly change: (fields: KeyFields, key: StoredKey, profile: ProfileRow, acting: AccessRow | null) => KeyFields | Error
  /** Why a key may be given no new secret, which whoever asks will hold; null when it may. */
  readonly rotate: (key: StoredKey, profile: ProfileRow, acting: AccessRow | null) => Error | null
  /** Why whoever asks may revoke no key; null when they may. */
  readonly revoke: (acting: AccessRow | null) => Error | null
}

/** Somebody who asks: a program by the key that it acts with, null for a person. */
interface Own {
  readonly acting: KeyRow | null
  readonly terms: Resolved
  readonly reach: Reach
}

/**
 * The bounds of whoever asks.
 *
 * @param secret that of a program; null for a person
 */
export function boundsOf (secret: string | null, settings: ActingSettings): Bounds {
  const judge = (found: AccessRow | null) => secret === null ? null : judgeActing(found, settings)
  const ownOf = (profile: ProfileRow, found: AccessRow | null): Own | Error => {
    const acting = judge(found)
    if (acting instanceof Error) return acting
    const terms = resolveTerms(profile, settings)
    return { acting, terms, reach: acting === null ? reachOfProfile(terms) : reachOf(acting, terms) }
  }
  return {
    acting: secret === null ? undefined : digestOf(secret),
    create (asked, grants, profile, found) {
      const own = ownOf(profile, found)
      if (own instanceof Error) return own
      const given = own.acting === null ? asked : { ...asked, ...inherit(asked, grants, own.acting) }
      return refuse(findExcess(reachOf(given, own.terms), own.reach)) ?? given
    },
    change (fields, key, profile, found) {
      const own = ownOf(profile, found)
      if (own instanceof Error) return own
      return refuse(findForbidden(fields, key, own)) ?? keepCount(fields, own.reach)
    },
    rotate (key, profile, found) {
      const own = ownOf(profile, found)
      if (own instanceof Error) return own
      return own.acting === null ? null : refuse(findExcess(reachOf(key, own.terms), own.reach))
    },
    revoke (found) {
      const acting = judge(found)
      return acting instanceof Error ? acting : null
    }
  }
}

/** In what respect a change makes more of a key than whoever asks may; null in none. */
function findForbidden (fields: KeyFields, key: StoredKey, { acting, terms, reach }: Own): Excess | null {
  const before = reachOf(key, terms)
  const after = reachOf({ ...key, ...fields }, terms)
  // Whatever the key is otherwise, it is the person's.
  if (acting === null) return findGain(after, before, reach)
  if (key.id === acting.id) return findExcess(after, before)
  const isEnabled = key.enabled === false && fields.enabled === true
  return isEnabled || findExcess(after, before) !== null ? findExcess(after, reach) : null
}

/** Leaves the count of uses to go on where who asks has a quota, which else would be none: a limit set and taken back would begin anew. */
function keepCount (fields: KeyFields, own: Reach): KeyFields {
  const { quotaUsed: _used, quotaSince: _since, ...rest } = fields
  return own.quota.max === Infinity ? fields : rest
}

/** What a key gets from the one that makes it where nothing is said. */
function inherit (asked: KeyTerms, grants: KeyGrants, acting: KeyRow): Partial<KeyTerms> {
  const { rateMax, rateWindow, quotaMax, quotaEvery, allowedIps, expiresAt } = acting
  const isExpirySaid = grants.expiresAt !== undefined || grants.expiresIn !== undefined
  return {
    ...(!isExpirySaid && expiresAt !== null && { expiresAt: Math.min(expiresAt, asked.expiresAt ?? Infinity) }),
    ...(grants.allowedIps === undefined && { allowedIps }),
    // One without a limit does not have to pass that on.
    ...(grants.rateLimit === undefined && rateMax !== 0 && { rateMax, rateWindow }),
    ...(grants.quota === undefined && quotaMax !== 0 && { quotaMax, quotaEvery })
  }
}

function refuse (excess: Excess | null): Error | null {
  return excess === null ? null : new BeyondOwnError(excess.name, excess.allowed, excess.got)
}
