import { checkObject, isBoolean, isPlainObject, isWhole, type Checks, type Refuse } from '../checks.js'
import { refuseArgument } from '../errors.js'
import { checkLimits, QUOTA_LIMIT, RATE_LIMIT } from '../limits.js'
import { EXPIRY, findContradiction, type ExpiryOptions } from './expiry.js'
import { refuseUncounted, scopesCheck, type KeyBounds } from './key-arguments.js'
import type { TermSettings } from './terms.js'

/*
 * Checks of what a profile is given.
 */

/** What the checks of profiles depend on. */
export interface ProfileBounds extends TermSettings, Pick<KeyBounds, 'countsRates'> {}

/** The largest number of live keys for a profile; a larger one is surely a mistake for -1. */
export const MAX_MAX_KEYS = 1_000_000

const FLAG = { allowed: 'a boolean, or null for the default', test: (value: unknown) => value === null || isBoolean(value) }

const isLimit = isWhole(-1, MAX_MAX_KEYS)

const profileChecks = ({ scopes, groups }: TermSettings): Checks => ({
  group: { allowed: groups.size === 0 ? 'null, since no groups are declared' : `one of ${[...groups.keys()].join(', ')}, or null for none`, test: (value) => value === null || (typeof value === 'string' && groups.has(value)) },
  scopes: { ...scopesCheck(scopes), allowed: `${scopesCheck(scopes).allowed}, or null for the default`, test: (value) => value === null || scopesCheck(scopes).test(value) },
  expiry: { allowed: 'an object with default and max, or null for the default', test: (value) => value === null || isPlainObject(value) },
  maxKeys: { allowed: `-1 (unlimited), a whole number from 0 to ${MAX_MAX_KEYS}, or null for the default`, test: (value) => value === null || isLimit(value) },
  rateLimit: RATE_LIMIT,
  quota: QUOTA_LIMIT,
  canUseApi: FLAG,
  canMakeKeys: FLAG
})

export function checkProfileFields (fields: unknown, settings: ProfileBounds, refuseBy: Refuse = refuseArgument): void {
  checkObject(fields, 'the second argument', '', profileChecks(settings), refuseBy)
  const { expiry } = fields as { expiry?: unknown }
  if (isPlainObject(expiry)) checkExpiry(expiry, 'expiry', refuseBy)
  checkLimits(fields, '', refuseBy)
  refuseUncounted(fields, '', settings, refuseBy)
}

/** The name of the first argument that `checkProfileFields` refuses; null when it refuses none. */
export function findRefused (fields: unknown, settings: ProfileBounds): string | null {
  let refused: string | null = null
  const note: Refuse = (name, allowed, got) => {
    refused = name
    return refuseArgument(name, allowed, got)
  }
  try {
    checkProfileFields(fields, settings, note)
  } catch {}
  return refused
}

/**
 * Checks an `expiry` object.
 *
 * @param what how to call it in an error
 */
export function checkExpiry (expiry: unknown, what: string, refuse: Refuse): void {
  checkObject(expiry, what, `${what}.`, EXPIRY, refuse)
  const contradiction = findContradiction(expiry as ExpiryOptions)
  if (contradiction !== null) throw refuse(`${what}.default`, `at most ${what}.max`, contradiction)
}
