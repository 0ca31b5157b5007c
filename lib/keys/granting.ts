import { NotLiveError, ExpiryLimitError, ForbiddenScopesError, MakingForbiddenError, UnknownGroupError } from '../errors.js'
import type { KeyFields, KeyTerms, Metadata, ProfileRow, StoredKey } from '../store/rows.js'
import { toMilliseconds, type Duration } from '../durations.js'
import { toQuotaTerms, toRateTerms, type QuotaOptions, type RateLimitOptions } from '../limits.js'
import { usualLife } from './expiry.js'
import { stateOf } from './records.js'
import { narrow, type ApiKeyScope } from './scopes.js'
import { resolveTerms, type Resolved, type TermSettings } from './terms.js'

/** What a key may be given when it is made and later. */
export interface KeyGrants {
  /** What it may do, at most what its profile and group allow. Default nothing that needs a scope. */
  scopes?: readonly ApiKeyScope[]
  /** When it expires, a time or milliseconds since the epoch; null for never, where that is allowed. */
  expiresAt?: Date | number | null
  /** After what time it expires, such as `'90d'`; not together with `expiresAt`. */
  expiresIn?: Duration
  /** IPv4 and IPv6 addresses, and networks such as `'192.0.2.0/24'`, from which it may be used; null for anywhere. */
  allowedIps?: readonly string[] | null
  /** Requests in each window; `false` for no limit, null for what its profile, group or the plugin say. Default null. */
  rateLimit?: RateLimitOptions | false | null
  /** Uses in total, or in each period from the first use on; `false` for no quota, null for what its profile, group or the plugin say. Default null. */
  quota?: QuotaOptions | false | null
  /** Whatever the application wants to note: an object that JSON can hold, of at most 8,192 characters; null for nothing. */
  metadata?: Metadata | null
}

/** What a key may be changed to. */
export interface KeyChanges extends KeyGrants {
  name?: string
  /** Whether it is switched on. */
  enabled?: boolean
}

/**
 * What a new key is given, or why there can be none.
 *
 * @param at now, in milliseconds
 */
export function grant (grants: KeyGrants, profile: ProfileRow, at: number, settings: TermSettings): KeyTerms | Error {
  const terms = resolveTerms(profile, settings)
  if (!terms.isKnownGroup) return new UnknownGroupError()
  if (!terms.canMakeKeys) return new MakingForbiddenError(profile.userId)
  const asked = expiryOf(grants, at)
  const expiresAt = asked === undefined ? defaultExpiry(terms, at) : asked
  const error = refuseScopes(grants.scopes ?? [], profile, terms) ?? refuseExpiry(expiresAt, { createdAt: at }, profile, at, terms)
  return error ?? {
    scopes: grants.scopes ?? [],
    expiresAt,
    allowedIps: grants.allowedIps ?? null,
    rateMax: null,
    rateWindow: null,
    quotaMax: null,
    quotaEvery: null,
    ...toRateTerms(grants.rateLimit),
    ...toQuotaTerms(grants.quota),
    metadata: grants.metadata ?? null
  }
}

/** What becomes of a key by a change, or why it may not be. Keys that are not live take a new name and new metadata, and nothing else. */
export function change (changes: KeyChanges, key: StoredKey, profile: ProfileRow, at: number, settings: TermSettings): KeyFields | Error {
  const { name, enabled, scopes, allowedIps, metadata, rateLimit, quota } = changes
  const terms = resolveTerms(profile, settings)
  const expiresAt = expiryOf(changes, at)
  const quotaTerms = toQuotaTerms(quota)
  const fields = given({
    name,
    enabled,
    scopes,
    allowedIps,
    metadata,
    expiresAt,
    ...toRateTerms(rateLimit),
    ...quotaTerms,
    // Where its own quota ends, the next one begins anew. Saying again that it has none begins nothing.
    ...(!quota && quotaTerms.quotaMax !== undefined && quotaTerms.quotaMax !== key.quotaMax && { quotaUsed: 0, quotaSince: null })
  })
  const state = stateOf(key, at)
  const [late] = Object.keys(fields).filter((field) => field !== 'name' && field !== 'metadata')
  if (late !== undefined && (state === 'revoked' || state === 'expired')) return new NotLiveError(key.id, state, optionOf(late))
  const isEnabled = enabled === true && key.enabled === false
  // What its group would allow is not known.
  if (!terms.isKnownGroup && (scopes !== undefined || expiresAt !== undefined || isEnabled)) return new UnknownGroupError()
  const error = (scopes === undefined ? null : refuseScopes(scopes, profile, terms)) ??
    (expiresAt === undefined ? null : refuseExpiry(expiresAt, key, profile, at, terms))
  if (error !== null || !isEnabled || expiresAt !== undefined) return error ?? fields
  const renewed = renew(key, profile, at, settings)
  return renewed instanceof Error ? renewed : { ...fields, ...renewed }
}

/**
 * What becomes of the expiry of a key that is rotated or enabled. Nothing mostly. One that would live longer than is allowed
 * now, since it is older than the maximum or its profile moved below one, is cut to that, or refused when that time is over: or
 * such a key could be kept alive for good.
 *
 * @param at now, in milliseconds
 */
export function renew (key: StoredKey, profile: ProfileRow, at: number, settings: TermSettings): Pick<KeyFields, 'expiresAt'> | Error {
  const terms = resolveTerms(profile, settings)
  if (!terms.isKnownGroup) return new UnknownGroupError()
  const error = refuseExpiry(key.expiresAt, key, profile, at, terms)
  if (error === null) return {}
  const latest = latestExpiry(key, terms)
  return latest > at ? { expiresAt: latest } : error
}

/** What a field is called where it is given. */
function optionOf (field: string): string {
  return field.replace(/^(rate|quota).*/, (_all, limit) => limit === 'rate' ? 'rateLimit' : 'quota')
}

/** The time that was asked for; undefined when nothing was said, null for never. */
function expiryOf ({ expiresAt, expiresIn }: KeyGrants, at: number): number | null | undefined {
  if (expiresIn !== undefined) return at + toMilliseconds(expiresIn)
  return expiresAt === undefined || expiresAt === null ? expiresAt : Number(expiresAt)
}

function defaultExpiry ({ expiryDefault, expiryMax }: Resolved, at: number): number | null {
  const life = usualLife(expiryDefault, expiryMax)
  return life === null ? null : at + life
}

function refuseScopes (scopes: readonly string[], { userId }: ProfileRow, { scopes: allowed }: Resolved): Error | null {
  const within = narrow(scopes, allowed)
  if (allowed === null || within.length === scopes.length) return null
  return new ForbiddenScopesError(userId, allowed.join(', ') || 'none', scopes.filter((scope) => !within.includes(scope)).join(', '))
}

function refuseExpiry (expiresAt: number | null, key: Pick<StoredKey, 'createdAt'>, { userId }: ProfileRow, at: number, terms: Resolved): Error | null {
  const latest = latestExpiry(key, terms)
  if (latest === Infinity || (expiresAt !== null && expiresAt <= latest)) return null
  const wanted = expiresAt === null ? 'never' : new Date(expiresAt).toISOString()
  return new ExpiryLimitError(userId, new Date(latest).toISOString(), latest > at ? wanted : `${wanted}; that time is over, so make a new key in its place or raise expiry.max`)
}

/** The maximum counts from when the key was made, so that no row of extensions gets around it. */
function latestExpiry ({ createdAt }: Pick<StoredKey, 'createdAt'>, { expiryMax }: Resolved): number {
  return createdAt + (expiryMax ?? Infinity)
}

/** Leaves out what is undefined, which a database would take for null. */
function given (fields: { [name in keyof KeyFields]: KeyFields[name] | undefined }): KeyFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
