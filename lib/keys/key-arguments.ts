import { checkObject, describe, isBoolean, isJson, isPlainObject, isText, isWhole, type Check, type Checks, type Refuse } from '../checks.js'
import { DURATION_FORMS, isDuration } from '../durations.js'
import { refuseArgument } from '../errors.js'
import { checkLimits, QUOTA_LIMIT, RATE_LIMIT, UNCOUNTED } from '../limits.js'
import { areNetworks, NETWORK_FORMS } from './addresses.js'
import { areScopes, isScope, MAX_SCOPES, SCOPE_FORM } from './scopes.js'
import { checkUserId, ID } from './ids.js'

/*
 * Checks of what a key is given, alone or in a batch, when it is made and when it is changed.
 */

/** How long a name may be. */
export const MAX_NAME = 100
const MAX_NONCE = 100

const NAME = { allowed: `text of at most ${MAX_NAME} characters without control characters`, test: isText(0, MAX_NAME) }

const MAX_METADATA = 8192

/** The latest time that a key may expire at; a later one is surely a mistake. */
const LATEST = Date.UTC(9999, 11, 31)

const EXPIRES_IN = { allowed: DURATION_FORMS, test: isDuration() }
const ALLOWED_IPS = { allowed: NETWORK_FORMS, test: (value: unknown) => value === null || areNetworks(value), isItem: (value: unknown) => areNetworks([value]) }
const METADATA = {
  allowed: `an object that JSON can hold, without NUL, of at most ${MAX_METADATA} characters, or null`,
  test: (value: unknown) => value === null || (isPlainObject(value) && isJson(value, MAX_METADATA))
}

/** What the checks of keys depend on. */
export interface KeyBounds {
  /** The scopes that are declared; null when any may be given. */
  readonly scopes: ReadonlyMap<string, string> | null
  readonly now: () => number
  /** Whether rate limits can be counted; without it they can, or that is not known yet. */
  readonly countsRates?: () => boolean
}

/** The checks of what a key may be given. */
export function grantChecks ({ scopes, now }: KeyBounds): Checks {
  return {
    name: NAME,
    scopes: scopesCheck(scopes),
    expiresAt: { allowed: 'a time in the future and before the year 10000, as a Date or milliseconds since the epoch, or null for never', test: (value) => value === null || isFuture(value, now()) },
    expiresIn: EXPIRES_IN,
    allowedIps: ALLOWED_IPS,
    rateLimit: RATE_LIMIT,
    quota: QUOTA_LIMIT,
    metadata: METADATA
  }
}

/** The check of a list of scopes: the declared ones, or any that are well formed. */
export function scopesCheck (declared: ReadonlyMap<string, string> | null): Check {
  return declared === null
    ? { allowed: `a list of at most ${MAX_SCOPES} different scopes, each ${SCOPE_FORM}`, test: areScopes, isItem: isScope }
    : { allowed: `a list of different scopes of ${[...declared.keys()].join(', ')}`, test: (value) => areScopes(value) && value.every((scope) => declared.has(scope)), isItem: (value) => isScope(value) && declared.has(value) }
}

/** The check of what makes a key only once. */
const NONCE: Checks = {
  nonce: { allowed: `text of 16 to ${MAX_NONCE} characters`, test: isText(16, MAX_NONCE) }
}

export function checkKeyFields (fields: unknown, bounds: KeyBounds): void {
  checkObject(fields, 'the second argument', '', { ...grantChecks(bounds), ...NONCE }, refuseArgument)
  refuseTwoExpiries(fields, '')
  checkLimits(fields, '', refuseArgument)
  refuseUncounted(fields, '', bounds)
}

export function checkBatch (batch: unknown, bounds: KeyBounds): void {
  if (!Array.isArray(batch)) throw refuseArgument('the first argument', 'an array', describe(batch))
  const checks = { userId: ID, ...grantChecks(bounds) }
  // By index, since forEach leaves out the holes of a sparse array.
  for (let i = 0; i < batch.length; i++) {
    const fields: unknown = batch[i]
    checkObject(fields, `[${i}]`, `[${i}].`, checks, refuseArgument)
    checkUserId((fields as { userId?: unknown }).userId, `[${i}].userId`)
    refuseTwoExpiries(fields, `[${i}].`)
    checkLimits(fields, `[${i}].`, refuseArgument)
    refuseUncounted(fields, `[${i}].`, bounds)
  }
}

export function checkKeyChanges (changes: unknown, bounds: KeyBounds): void {
  checkObject(changes, 'the second argument', '', { ...grantChecks(bounds), enabled: { allowed: 'a boolean', test: isBoolean } }, refuseArgument)
  refuseTwoExpiries(changes, '')
  checkLimits(changes, '', refuseArgument)
  refuseUncounted(changes, '', bounds)
}

/** With a limit that nothing counts a key would be refused at each request. */
export function refuseUncounted (fields: unknown, prefix: string, { countsRates }: Pick<KeyBounds, 'countsRates'>, refuse: Refuse = refuseArgument): void {
  const { rateLimit } = fields as { rateLimit?: unknown }
  if (rateLimit && countsRates?.() === false) throw refuse(`${prefix}rateLimit`, UNCOUNTED, 'a limit')
}

function refuseTwoExpiries (fields: unknown, prefix: string): void {
  const { expiresAt, expiresIn } = fields as { expiresAt?: unknown, expiresIn?: unknown }
  if (expiresAt !== undefined && expiresIn !== undefined) throw refuseArgument(`${prefix}expiresIn`, 'left out where expiresAt is given', 'both')
}

/** Whether a value is a time after another, in milliseconds. */
function isFuture (value: unknown, now: number): boolean {
  const time = value instanceof Date ? value.getTime() : value
  return isWhole(now + 1, LATEST)(time)
}
