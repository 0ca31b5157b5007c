import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ArgumentError, NotLiveError, NotFoundError, RotatedMeanwhileError } from '../errors.js'
import type { KeyFields, StoredKey } from '../store/rows.js'
import type { Decide } from '../store/store.js'
import type { Context } from './context.js'
import type { Bounds } from './delegation.js'
import { changeBy, type ApiKeyEvents, type By } from './events.js'
import { change, renew, type KeyChanges } from './granting.js'
import { isKeyId } from './ids.js'
import { stateOf, toKeyRecord, type KeyRecord, type NewKey } from './records.js'
import { digestOf, generateSecret, startOf } from './secret.js'

/*
 * What becomes of a key after it was made. Arguments are checked. docs/lifecycle.md says which state answers what.
 */

/** Why a key is revoked, and by whom. */
export interface Revocation extends By {
  /** At most 200 characters. */
  reason?: string
}

/** Keys deleted in one transaction, so that none takes long. */
const PRUNED_AT_ONCE = 500

/**
 * Changes what is named, and tells of it when something was.
 *
 * @param bounds of whoever asks; null for the application, which has none
 */
export async function updateKey (context: Context, keyId: string, changes: KeyChanges, by: By, bounds: Bounds | null = null): Promise<KeyRecord> {
  const { settings } = context
  const at = settings.now()
  return await apply(context, keyId, 'apiKeyUpdated', at, by, bounds, (key, profile, acting) => {
    const fields = change(changes, key, profile, at, settings)
    const allowed = fields instanceof Error || bounds === null ? fields : bounds.change(fields, key, profile, acting)
    return allowed instanceof Error ? allowed : different(allowed, key)
  })
}

/**
 * Revokes a key for good. Doing so again changes nothing.
 *
 * @param bounds of whoever asks; null for the application, and for a key that revokes itself
 */
export async function revokeKey (context: Context, keyId: string, reason: string | null, by: By, bounds: Bounds | null = null): Promise<KeyRecord> {
  const at = context.settings.now()
  return await apply(context, keyId, 'apiKeyRevoked', at, by, bounds, (key, _profile, acting) =>
    bounds?.revoke(acting) ?? (key.revokedAt === null ? { revokedAt: at, revokedReason: reason } : {}))
}

/** Revokes all keys of a user that are not, and gives those. */
export async function revokeKeys ({ store, settings, activity, authorOf, announce }: Context, userId: string, reason: string | null, by: By): Promise<KeyRecord[]> {
  const at = settings.now()
  const rows = await store.revokeKeys(userId, at, reason, authorOf(by, at))
  return rows.map((row) => {
    const key = toKeyRecord(activity.ofKey(row), at, settings)
    announce('apiKeyRevoked', { key, ...changeBy(by, at) })
    return key
  })
}

/**
 * Gives a key a new secret. The one before works for the overlap; any from before that is forgotten, so that at most two
 * work at any time.
 *
 * @param bounds of whoever asks; null for the application, which has none
 */
export async function rotateKey (context: Context, keyId: string, { overlap, seen }: Rotation, by: By, bounds: Bounds | null = null): Promise<NewKey> {
  const { settings } = context
  const at = settings.now()
  const secret = generateSecret(settings.prefixes[0], settings.keySize)
  const record = await apply(context, keyId, 'apiKeyRotated', at, by, bounds, (key, profile, acting) => {
    const excess = bounds?.rotate(key, profile, acting) ?? null
    if (excess !== null) return excess
    const state = stateOf(key, at)
    if (state === 'revoked' || state === 'expired') return new NotLiveError(key.id, state, 'secret')
    if (seen !== undefined && key.rotatedAt !== (seen?.getTime() ?? null)) return new RotatedMeanwhileError(key.id)
    const renewed = renew(key, profile, at, settings)
    if (renewed instanceof Error) return renewed
    const { expiresAt = key.expiresAt } = renewed
    if (expiresAt !== null && at + overlap > expiresAt) {
      return new ArgumentError('overlap', `at most ${expiresAt - at} ms, after which the key expires`, String(overlap))
    }
    return { ...renewed, digest: digestOf(secret), start: startOf(secret), previousDigest: key.digest, previousUntil: at + overlap, rotatedAt: at }
  })
  return { ...record, key: secret }
}

/**
 * Ends a key's login, and tells of it when there was one.
 *
 * @param forget makes the next use of a cached key begin a login, by the digest of its secret
 */
export async function logoutKey ({ store, settings, activity, announce }: Context, keyId: string, forget: (digest: string) => void, by: By): Promise<KeyRecord> {
  const at = settings.now()
  const ended = await store.logoutKey(keyId, at)
  if (ended === null) throw unknownKey(keyId)
  const wasNoted = activity.logout(keyId)
  for (const digest of ended.digests) if (digest !== null) forget(digest)
  const key = toKeyRecord(activity.ofKey(ended.row), settings.now(), settings)
  if (ended.changed || wasNoted) announce('apiUserLoggedOut', { key, ...changeBy(by, at) })
  return key
}

/** What is said of a rotation. */
interface Rotation {
  /** Milliseconds. */
  readonly overlap: number
  /** When the key was last rotated, as the caller knows it; undefined when that does not matter. */
  readonly seen: Date | null | undefined
}

/** Deletes what has been dead for longer than so many milliseconds, and tells how many keys that were. */
export async function prune ({ store, settings }: Context, olderThan: number): Promise<number> {
  const before = settings.now() - olderThan
  let pruned = 0
  let portion
  do {
    portion = await store.prune(before, PRUNED_AT_ONCE)
    pruned += portion.keys
    await nextTurn()
  } while (portion.keys === PRUNED_AT_ONCE || portion.profiles === PRUNED_AT_ONCE)
  return pruned
}

/** Changes a key, and tells of it when that changed something. */
async function apply (
  { store, settings, activity, authorOf, announce }: Context, keyId: string, event: KeyEvent, at: number, by: By, bounds: Bounds | null, decide: Decide
): Promise<KeyRecord> {
  const result = await store.changeKey(keyId, decide, authorOf(by, at), { acting: bounds?.acting, leavesProfile: bounds === null && event === 'apiKeyRevoked' })
  if (result === null) throw unknownKey(keyId)
  if ('error' in result) throw result.error
  const key = toKeyRecord(activity.ofKey(result.row), settings.now(), settings)
  if (result.changed) announce(event, { key, ...changeBy(by, at) })
  return key
}

type KeyEvent = keyof ApiKeyEvents & ('apiKeyUpdated' | 'apiKeyRevoked' | 'apiKeyRotated')

/** The fields that are other than the key's. */
function different (fields: KeyFields, key: StoredKey): KeyFields {
  const before: Readonly<Record<string, unknown>> = { ...key, enabled: key.enabled ?? true }
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => !isDeepStrictEqual(value, before[name])))
}

/** The error for a key that there is not. What can be no id is not shown. */
export function unknownKey (keyId: string): Error {
  return new NotFoundError('API key', isKeyId(keyId) ? keyId : '…')
}
