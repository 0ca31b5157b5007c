import { checkObject, isBoolean, isPlainObject, isText, isWhole, type Checks, type Refuse } from './checks.js'
import { toExpiryTerms, type ExpiryOptions } from './keys/expiry.js'
import { scopesCheck } from './keys/key-arguments.js'
import { checkExpiry, MAX_MAX_KEYS } from './keys/profile-arguments.js'
import { checkLimits, QUOTA_LIMIT, RATE_LIMIT, toQuotaTerms, toRateTerms, type QuotaOptions, type RateLimitOptions } from './limits.js'
import { isScope, SCOPE_FORM, type ApiKeyScope } from './keys/scopes.js'
import type { Terms } from './keys/terms.js'

/** What holds for the profiles of a group that say nothing themselves; what is absent follows the plugin's options. */
export interface GroupOptions {
  /** Live keys that a profile may hold, -1 for unlimited. */
  maxKeys?: number
  /** The scopes that keys may have. */
  scopes?: readonly ApiKeyScope[]
  /** How long keys live. */
  expiry?: ExpiryOptions
  /** Requests in each window that each key may make; `false` for no limit. */
  rateLimit?: RateLimitOptions | false | null
  /** Uses of each key, in total or in each period; `false` for no quota. */
  quota?: QuotaOptions | false | null
  /** Whether keys are accepted. */
  canUseApi?: boolean
  /** Whether keys may be made. */
  canMakeKeys?: boolean
}

const LIMIT = { allowed: `-1 (unlimited) or a whole number from 0 to ${MAX_MAX_KEYS}`, test: isWhole(-1, MAX_MAX_KEYS) }

/** The declared scopes with their descriptions; null when any scope may be given. */
export function resolveScopes (scopes: Readonly<Record<string, unknown>> | undefined, refuse: Refuse): ReadonlyMap<string, string> | null {
  if (scopes === undefined) return null
  checkObject(scopes, 'scopes', 'scopes.', descriptions(scopes), refuse)
  for (const name of Object.keys(scopes)) if (!isScope(name)) throw refuse('scopes', `an object whose names are scopes, each ${SCOPE_FORM}`, 'another name')
  return new Map(Object.entries(scopes as Record<string, string>))
}

/** The groups by name. */
export function resolveGroups (groups: Readonly<Record<string, unknown>> | undefined, scopes: ReadonlyMap<string, string> | null, refuse: Refuse): ReadonlyMap<string, Terms> {
  if (groups === undefined) return new Map()
  const checks = groupChecks(scopes)
  return new Map(Object.entries(groups).map(([name, group]) => {
    if (!isText(1, 100)(name)) throw refuse('groups', 'an object whose names have 1 to 100 characters', 'another name')
    checkObject(group, `groups.${name}`, `groups.${name}.`, checks, refuse)
    const { expiry = {}, rateLimit, quota, ...terms } = group as GroupOptions
    checkExpiry(expiry, `groups.${name}.expiry`, refuse)
    checkLimits(group, `groups.${name}.`, refuse)
    // A copy, as the caller's object is not kept.
    return [name, structuredClone({ ...terms, ...toExpiryTerms(expiry), ...toRateTerms(rateLimit), ...toQuotaTerms(quota) })]
  }))
}

function groupChecks (scopes: ReadonlyMap<string, string> | null): Checks {
  return {
    maxKeys: LIMIT,
    scopes: scopesCheck(scopes),
    expiry: { allowed: 'an object with default and max', test: isPlainObject },
    rateLimit: RATE_LIMIT,
    quota: QUOTA_LIMIT,
    canUseApi: { allowed: 'a boolean', test: isBoolean },
    canMakeKeys: { allowed: 'a boolean', test: isBoolean }
  }
}

/** Each scope is described by a text, for the people who choose among them. */
function descriptions (scopes: object): Checks {
  const description = { allowed: 'text of 1 to 200 characters', test: isText(1, 200) }
  return Object.fromEntries(Object.keys(scopes).map((name) => [name, description]))
}
