import { describe, isText } from '../checks.js'
import { refuseArgument } from '../errors.js'

const MAX_ID = 255

/** The check of the id of a user, or of whoever changes something. */
export const ID = { allowed: `a non-empty string of at most ${MAX_ID} characters without control characters`, test: isText(1, MAX_ID) }

/** Whether a value can be the id of a user. */
export const isUserId = ID.test

export function checkUserId (userId: unknown, name = 'userId'): asserts userId is string {
  if (!ID.test(userId)) throw refuseArgument(name, ID.allowed, describe(userId))
}

/** Whether a text can be the id of a key, which are UUIDs. Anything else may be a secret, passed by mistake. */
export function isKeyId (text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text)
}
