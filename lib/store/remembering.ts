import { isDeepStrictEqual } from 'node:util'
import type { Changes, HistoryDraft } from './bookkeeping.js'
import type { KeyFields, KeyRow, ProfileFields, ProfileRow, StoredKey } from './rows.js'

/*
 * What is remembered of a change, the same in every engine. Named as the events are. No digest is ever among it.
 */

const KEY_FIELDS = ['name', 'scopes', 'expiresAt', 'allowedIps', 'rateMax', 'rateWindow', 'quotaMax', 'quotaEvery', 'metadata'] as const
const PROFILE_FIELDS = ['group', 'maxKeys', 'scopes', 'expiryDefault', 'expiryMax', 'rateMax', 'rateWindow', 'quotaMax', 'quotaEvery', 'canUseApi', 'canMakeKeys'] as const

/** Fields of a key that are secret, or only say again that it was used or changed. */
const UNTOLD = new Set(['digest', 'previousDigest', 'rotatedAt', 'quotaUsed', 'quotaSince'])

/** A key that was made, with what it was given. */
export function keyCreated (row: KeyRow): HistoryDraft {
  return aboutKey(row, 'apiKeyCreated', made(KEY_FIELDS.map((name) => [name, row[name]])))
}

/** A key that was changed. */
export function keyChanged (before: StoredKey, fields: KeyFields): HistoryDraft {
  const action = fields.revokedAt !== undefined ? 'apiKeyRevoked' : fields.digest !== undefined ? 'apiKeyRotated' : 'apiKeyUpdated'
  // Where it was never said whether a key is enabled, it is.
  return aboutKey(before, action, changed({ ...before, enabled: before.enabled ?? true }, fields))
}

/** A key that was revoked together with others. */
export function keyRevoked (row: KeyRow): HistoryDraft {
  return aboutKey(row, 'apiKeyRevoked', made([['revokedAt', row.revokedAt], ['revokedReason', row.revokedReason]]))
}

/** A profile that was made, with what it was given. */
export function profileCreated (row: ProfileRow): HistoryDraft {
  return aboutProfile(row, 'apiUserCreated', made(PROFILE_FIELDS.map((name) => [name, row[name]])))
}

/** A profile that was changed. */
export function profileUpdated (before: ProfileRow, fields: ProfileFields): HistoryDraft {
  return aboutProfile(before, 'apiUserUpdated', changed(before, fields))
}

/** A profile that was deleted. */
export function profileDeleted (row: ProfileRow): HistoryDraft {
  return aboutProfile(row, 'apiUserDeleted', null)
}

/** The fields that are other than before. */
export function different (before: ProfileRow, fields: ProfileFields): ProfileFields {
  return Object.fromEntries(replaced(before, fields).map(([name, , value]) => [name, value]))
}

function aboutKey ({ id, profileId, userId }: KeyRow, action: string, changes: Changes | null): HistoryDraft {
  return { keyId: id, profileId, userId, action, changes }
}

function aboutProfile ({ id, userId }: ProfileRow, action: string, changes: Changes | null): HistoryDraft {
  return { keyId: null, profileId: id, userId, action, changes }
}

/** What there is after and was not before; null for nothing. */
function made (fields: readonly (readonly [name: string, value: unknown])[]): Changes | null {
  let changes: Record<string, unknown> | null = null
  for (const [name, value] of fields) {
    if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) continue
    changes ??= {}
    changes[name] = [null, value]
  }
  return changes
}

/** What there was before and is after. */
function changed (before: object, fields: object): Changes {
  return Object.fromEntries(replaced(before, fields).filter(([name]) => !UNTOLD.has(name)).map(([name, ...values]) => [name, values]))
}

/** The fields that are other than before, each with what it was: what is given again changes nothing. */
function replaced (before: object, fields: object): [name: string, before: unknown, after: unknown][] {
  const old = new Map<string, unknown>(Object.entries(before))
  return Object.entries(fields).map(([name, value]): [string, unknown, unknown] => [name, old.get(name), value])
    .filter(([, before, after]) => !isDeepStrictEqual(before, after))
}
