import { checkObject, describe, isText, isWhole, type Checks } from '../checks.js'
import { DURATION_FORMS, isDuration, toMilliseconds } from '../durations.js'
import { refuseArgument } from '../errors.js'
import type { By } from './events.js'
import { ID } from './ids.js'

/*
 * Checks of what the application passes to the service. They run before the database is touched, and throw
 * FST_API_KEY_INVALID_ARGUMENT with the name of the argument, what is allowed, and what kind of value was given.
 * Those of what keys and profiles are given have files of their own.
 */

/** Whether a value can be an address. Of what form is not asked: a proxy may have added a port or a zone. */
export const isAddress = isText(1, 100)

const IP = { allowed: 'an address of at most 100 characters', test: isAddress }

/** How long a reason may be. */
export const MAX_REASON = 200

/** The check of why a key is revoked. */
export const REASON = { allowed: `text of at most ${MAX_REASON} characters without control characters`, test: isText(0, MAX_REASON) }

const BY: Checks = { actor: ID, ip: IP }

export function checkKeyId (keyId: unknown): asserts keyId is string {
  if (typeof keyId !== 'string') throw refuseArgument('keyId', 'a string', describe(keyId))
}

export function checkSecret (secret: unknown): asserts secret is string {
  if (typeof secret !== 'string') throw refuseArgument('secret', 'a string', describe(secret))
}

/** Checks what `revoke` and `revokeAll` take: a reason, and who it is that revokes. */
export function checkRevocation (revocation: unknown): void {
  checkObject(revocation, 'the second argument', '', { reason: REASON, ...BY }, refuseArgument)
}

/** Checks what `rotate` takes. */
export function checkRotation (rotation: unknown): void {
  checkObject(rotation, 'the second argument', '', {
    overlap: { allowed: `${DURATION_FORMS}; 0 for none`, test: isDuration(0) },
    rotatedAt: { allowed: 'a Date, or null for a key that was never rotated', test: (value) => value === null || (value instanceof Date && !Number.isNaN(value.getTime())) }
  }, refuseArgument)
}

/**
 * Checks an object with one duration that must be there.
 *
 * @returns milliseconds
 */
export function checkDuration (value: unknown, name: string): number {
  checkObject(value, 'the argument', '', { [name]: { allowed: DURATION_FORMS, test: isDuration() } }, refuseArgument)
  const duration = Object.entries(value as object).find(([key]) => key === name)?.[1]
  if (!isDuration()(duration)) throw refuseArgument(name, DURATION_FORMS, describe(duration))
  return toMilliseconds(duration)
}

export function checkBy (by: unknown): asserts by is By {
  checkObject(by, 'the last argument', '', BY, refuseArgument)
}

/** Checks what `verify` takes. */
export function checkVerifyOptions (options: unknown): void {
  checkObject(options, 'the second argument', '', { ip: IP }, refuseArgument)
}

/** Checks what `profiles.list` takes. */
export function checkPaging (paging: unknown): void {
  checkObject(paging, 'the argument', '', {
    cursor: { allowed: 'the id of the last profile seen', test: isWhole(0, Number.MAX_SAFE_INTEGER) },
    limit: { allowed: 'a whole number from 1 to 1000', test: isWhole(1, 1000) },
    search: { allowed: 'text of 1 to 255 characters without control characters', test: isText(1, 255) }
  }, refuseArgument)
}
