import { checkObject, describe, isBoolean, isJson, isPlainObject, isText, isWhole, type Check, type Checks, type Refuse } from '../checks.js'
import { DURATION_FORMS, isDuration, toMilliseconds } from '../durations.js'
import { ArgumentError } from '../errors.js'
import { checkLimits, QUOTA_LIMIT, RATE_LIMIT } from '../limits.js'
import { areNetworks, NETWORK_FORMS } from './addresses.js'
import type { By } from './events.js'
import { EXPIRY, findContradiction, type ExpiryOptions } from './expiry.js'
import { areScopes, MAX_SCOPES, SCOPE_FORM } from './scopes.js'
import type { TermSettings } from './terms.js'

/*
 * Checks of what the application passes to the service. They run before the database is touched, and throw
 * FST_API_KEY_INVALID_ARGUMENT with the name of the argument, what is allowed, and what kind of value was given.
 */

/** How long a name may be. */
export const MAX_NAME = 100
const MAX_ID = 255
const MAX_NONCE = 100

/** The largest number of live keys for a profile; a larger one is surely a mistake for -1. */
export const MAX_MAX_KEYS = 1_000_000

const NAME = { allowed: `text of at most ${MAX_NAME} characters without control characters`, test: isText(0, MAX_NAME) }
const ID = { allowed: `a non-empty string of at most ${MAX_ID} characters without control characters`, test: isText(1, MAX_ID) }
const FLAG = { allowed: 'a boolean, or null for the default', test: (value: unknown) => value === null || isBoolean(value) }

const METADATA = 8192

/** The latest time that a key may expire at; a later one is surely a mistake. */
const LATEST = Date.UTC(9999, 11, 31)

const EXPIRES_IN = { allowed: DURATION_FORMS, test: isDuration() }
const ALLOWED_IPS = { allowed: NETWORK_FORMS, test: (value: unknown) => value === null || areNetworks(value) }
const NOTES = {
  allowed: `an object that JSON can hold, without NUL, of at most ${METADATA} characters, or null`,
  test: (value: unknown) => value === null || (isPlainObject(value) && isJson(value, METADATA))
}

/** What the checks of keys depend on. */
export interface KeyBounds {
  /** The scopes that are declared; null when any may be given. */
  readonly scopes: ReadonlyMap<string, string> | null
  readonly now: () => number
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
    metadata: NOTES
  }
}

/** The check of a list of scopes: the declared ones, or any that are well formed. */
export function scopesCheck (declared: ReadonlyMap<string, string> | null): Check {
  return declared === null
    ? { allowed: `a list of at most ${MAX_SCOPES} different scopes, each ${SCOPE_FORM}`, test: areScopes }
    : { allowed: `a list of different scopes of ${[...declared.keys()].join(', ')}`, test: (value) => areScopes(value) && value.every((scope) => declared.has(scope)) }
}

/** The check of what makes a key only once. */
const NONCE: Checks = {
  nonce: { allowed: `text of 16 to ${MAX_NONCE} characters`, test: isText(16, MAX_NONCE) }
}

const isLimit = isWhole(-1, MAX_MAX_KEYS)

const profileChecks = ({ scopes, groups }: TermSettings): Checks => ({
  group: { allowed: groups.size === 0 ? 'null, since no groups are declared' : `one of ${[...groups.keys()].join(', ')}, or null for none`, test: (value) => value === null || (typeof value === 'string' && groups.has(value)) },
  scopes: { allowed: `${scopesCheck(scopes).allowed}, or null for the default`, test: (value) => value === null || scopesCheck(scopes).test(value) },
  expiry: { allowed: 'an object with default and max, or null for the default', test: (value) => value === null || isPlainObject(value) },
  maxKeys: { allowed: `-1 (unlimited), a whole number from 0 to ${MAX_MAX_KEYS}, or null for the default`, test: (value) => value === null || isLimit(value) },
  rateLimit: RATE_LIMIT,
  quota: QUOTA_LIMIT,
  canUseApi: FLAG,
  canMakeKeys: FLAG
})

/** Whether a value can be an address. Of what form is not asked: a proxy may have added a port or a zone. */
export const isAddress = isText(1, 100)

const IP = { allowed: 'an address of at most 100 characters', test: isAddress }

/** The check of why a key is revoked. */
export const REASON = { allowed: 'text of at most 200 characters without control characters', test: isText(0, 200) }

const BY: Checks = { actor: ID, ip: IP }

const refuse: Refuse = (name, allowed, got) => new ArgumentError(name, allowed, got)

/** Whether a value can be the id of a user. */
export const isUserId = ID.test

export function checkUserId (userId: unknown, name = 'userId'): asserts userId is string {
  if (!ID.test(userId)) throw refuse(name, ID.allowed, describe(userId))
}

export function checkKeyId (keyId: unknown): asserts keyId is string {
  if (typeof keyId !== 'string') throw refuse('keyId', 'a string', describe(keyId))
}

export function checkSecret (secret: unknown): asserts secret is string {
  if (typeof secret !== 'string') throw refuse('secret', 'a string', describe(secret))
}

export function checkKeyFields (fields: unknown, bounds: KeyBounds): void {
  checkObject(fields, 'the second argument', '', { ...grantChecks(bounds), ...NONCE }, refuse)
  refuseTwoExpiries(fields, '')
  checkLimits(fields, '', refuse)
}

export function checkBatch (batch: unknown, bounds: KeyBounds): void {
  if (!Array.isArray(batch)) throw refuse('the first argument', 'an array', describe(batch))
  const checks = { userId: ID, ...grantChecks(bounds) }
  // By index, since forEach leaves out the holes of a sparse array.
  for (let i = 0; i < batch.length; i++) {
    const fields: unknown = batch[i]
    checkObject(fields, `[${i}]`, `[${i}].`, checks, refuse)
    checkUserId((fields as { userId?: unknown }).userId, `[${i}].userId`)
    refuseTwoExpiries(fields, `[${i}].`)
    checkLimits(fields, `[${i}].`, refuse)
  }
}

export function checkKeyChanges (changes: unknown, bounds: KeyBounds): void {
  checkObject(changes, 'the second argument', '', { ...grantChecks(bounds), enabled: { allowed: 'a boolean', test: isBoolean } }, refuse)
  refuseTwoExpiries(changes, '')
  checkLimits(changes, '', refuse)
}

export function checkProfileFields (fields: unknown, settings: TermSettings, refuseBy = refuse): void {
  checkObject(fields, 'the second argument', '', profileChecks(settings), refuseBy)
  const { expiry } = fields as { expiry?: unknown }
  if (isPlainObject(expiry)) checkExpiry(expiry, 'expiry', refuseBy)
  checkLimits(fields, '', refuseBy)
}

/** The name of the first argument that `checkProfileFields` refuses; null when it refuses none. */
export function findRefused (fields: unknown, settings: TermSettings): string | null {
  let refused: string | null = null
  const note: Refuse = (name, allowed, got) => {
    refused = name
    return refuse(name, allowed, got)
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

/** Checks what `revoke` and `revokeAll` take: a reason, and who it is that revokes. */
export function checkRevocation (revocation: unknown): void {
  checkObject(revocation, 'the second argument', '', { reason: REASON, ...BY }, refuse)
}

/** Checks what `rotate` takes. */
export function checkRotation (rotation: unknown): void {
  checkObject(rotation, 'the second argument', '', {
    overlap: { allowed: `${DURATION_FORMS}; 0 for none`, test: isDuration(0) },
    rotatedAt: { allowed: 'a Date, or null for a key that was never rotated', test: (value) => value === null || (value instanceof Date && !Number.isNaN(value.getTime())) }
  }, refuse)
}

/**
 * Checks an object with one duration that must be there.
 *
 * @returns milliseconds
 */
export function checkDuration (value: unknown, name: string): number {
  checkObject(value, 'the argument', '', { [name]: { allowed: DURATION_FORMS, test: isDuration() } }, refuse)
  const duration = Object.entries(value as object).find(([key]) => key === name)?.[1]
  if (!isDuration()(duration)) throw refuse(name, DURATION_FORMS, describe(duration))
  return toMilliseconds(duration)
}

export function checkBy (by: unknown): asserts by is By {
  checkObject(by, 'the last argument', '', BY, refuse)
}

/** Checks what `verify` takes. */
export function checkVerifyOptions (options: unknown): void {
  checkObject(options, 'the second argument', '', { ip: IP }, refuse)
}

/** Checks what `profiles.list` takes. */
export function checkPaging (paging: unknown): void {
  checkObject(paging, 'the argument', '', {
    cursor: { allowed: 'the id of the last profile seen', test: isWhole(0, Number.MAX_SAFE_INTEGER) },
    limit: { allowed: 'a whole number from 1 to 1000', test: isWhole(1, 1000) },
    search: { allowed: 'text of 1 to 255 characters without control characters', test: isText(1, 255) }
  }, refuse)
}

function refuseTwoExpiries (fields: unknown, prefix: string): void {
  const { expiresAt, expiresIn } = fields as { expiresAt?: unknown, expiresIn?: unknown }
  if (expiresAt !== undefined && expiresIn !== undefined) throw refuse(`${prefix}expiresIn`, 'left out where expiresAt is given', 'both')
}

/** Whether a value is a time after another, in milliseconds. */
function isFuture (value: unknown, now: number): boolean {
  const time = value instanceof Date ? value.getTime() : value
  return isWhole(now + 1, LATEST)(time)
}
