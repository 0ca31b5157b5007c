import { InvalidKeyError } from '../errors.js'
import type { AccessRow, KeyRow } from '../store/rows.js'
import { Access, endOf } from './access.js'
import { findMissing, MANAGE } from './scopes.js'
import { resolveTerms, termsOf, type TermSettings } from './terms.js'

/** What it takes to judge a key. */
export interface ActingSettings extends TermSettings {
  readonly now: () => number
}

/**
 * Judges once more, in the transaction of a change, the key by which a program asks for it. It was good when the request came, but bodies
 * may take as long as they like, and locks are waited for: a key that was revoked meanwhile must neither make nor change another.
 *
 * @param row the key as stored; null when no key has that secret any more
 * @param ip from where it asks; null when that is not known
 * @returns the key, which ends when the secret does that asks, or why it may not ask
 */
export function judgeActing (row: AccessRow | null, ip: string | null, settings: ActingSettings): KeyRow | Error {
  if (row === null) return new InvalidKeyError()
  const access = new Access(row, resolveTerms(termsOf(row), settings), 0)
  try {
    access.judge(settings.now())
    access.judgeAddress(ip)
  } catch (error) {
    return error as Error
  }
  const missing = findMissing(access.user, [MANAGE])
  if (missing !== null) return missing
  // What a secret gets that is to end must end with it, or rotating would not rid anybody of who has the one before.
  return { ...row, expiresAt: endOf(row) }
}
