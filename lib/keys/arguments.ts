import { checkObject, isBoolean, isText, isWhole, type Checks } from '../checks.js'
import { ArgumentError, describe } from '../errors.js'
import type { By } from './events.js'

/*
 * Checks of what the application passes to the service. They run before the database is touched, and throw
 * FST_API_KEY_INVALID_ARGUMENT with the name of the argument, what is allowed, and what kind of value was given.
 */

const MAX_NAME = 100
const MAX_ID = 255
const MAX_NONCE = 100

/** The largest number of live keys for a profile; a larger one is surely a mistake for -1. */
export const MAX_MAX_KEYS = 1_000_000

const NAME = { allowed: `text of at most ${MAX_NAME} characters without control characters`, test: isText(0, MAX_NAME) }
const ID = { allowed: `a non-empty string of at most ${MAX_ID} characters without control characters`, test: isText(1, MAX_ID) }
const FLAG = { allowed: 'a boolean, or null for the default', test: (value: unknown) => value === null || isBoolean(value) }

const KEY_FIELDS: Checks = {
  name: NAME,
  nonce: { allowed: `text of 16 to ${MAX_NONCE} characters`, test: isText(16, MAX_NONCE) }
}

const BATCH_FIELDS: Checks = { userId: ID, name: NAME }

const KEY_CHANGES: Checks = { name: NAME }

const isLimit = isWhole(-1, MAX_MAX_KEYS)

const PROFILE_FIELDS: Checks = {
  maxKeys: { allowed: `-1 (unlimited), a whole number from 0 to ${MAX_MAX_KEYS}, or null for the default`, test: (value) => value === null || isLimit(value) },
  canUseApi: FLAG,
  canMakeKeys: FLAG
}

/** Whether a value can be an address. Of what form is not asked: a proxy may have added a port or a zone. */
export const isAddress = isText(1, 100)

const IP = { allowed: 'an address of at most 100 characters', test: isAddress }

const BY: Checks = { actor: ID, ip: IP }

const refuse = (name: string, allowed: string, got: string) => new ArgumentError(name, allowed, got)

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

export function checkKeyFields (fields: unknown): void {
  checkObject(fields, 'the second argument', '', KEY_FIELDS, refuse)
}

export function checkBatch (batch: unknown): void {
  if (!Array.isArray(batch)) throw refuse('the first argument', 'an array', describe(batch))
  // By index, since forEach leaves out the holes of a sparse array.
  for (let i = 0; i < batch.length; i++) {
    const fields: unknown = batch[i]
    checkObject(fields, `[${i}]`, `[${i}].`, BATCH_FIELDS, refuse)
    checkUserId((fields as { userId?: unknown }).userId, `[${i}].userId`)
  }
}

export function checkKeyChanges (changes: unknown): void {
  checkObject(changes, 'the second argument', '', KEY_CHANGES, refuse)
}

export function checkProfileFields (fields: unknown): void {
  checkObject(fields, 'the second argument', '', PROFILE_FIELDS, refuse)
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
    limit: { allowed: 'a whole number from 1 to 1000', test: isWhole(1, 1000) }
  }, refuse)
}
