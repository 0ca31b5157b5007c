import { findRate, type RateLimit } from '../limits.js'
import { CLOCKS_APART, type Quota } from '../store/bookkeeping.js'
import type { KeyRow } from '../store/rows.js'
import { quotaOf, type TermSettings } from './terms.js'

/** A person of the application, as its session knows them. */
export interface User {
  /** The application's own user id. */
  id: string
  /** Shown on the pages; the id when absent. */
  name?: string
  /** Whether this person may manage everybody's keys. */
  admin?: boolean
  /** Whose keys the pages show when they are not the person's own, for instance an organisation's id. */
  owner?: string
}

/** The owner of the key that made a request. Frozen, its scopes too. */
export interface ApiUser {
  /** The application's own user id. */
  readonly id: string
  readonly profileId: number
  readonly keyId: string
  readonly keyName: string
  readonly scopes: readonly string[]
}

/**
 * `active` keys are accepted. `disabled` ones are not until they are enabled, `expired` and `revoked` ones never again. Of
 * several, the one that is hardest to undo: revoked, expired, disabled.
 */
export type KeyState = 'active' | 'disabled' | 'expired' | 'revoked'

/** What is known of a key. The secret is not part of it; nothing can bring it back. */
export interface KeyRecord {
  readonly id: string
  /** The application's own id of the user whose key it is. */
  readonly userId: string
  readonly profileId: number
  readonly name: string
  /** The secret's first characters, such as `ak_3mP0`, to tell keys apart. */
  readonly start: string
  readonly state: KeyState
  /** What it may do, as it was given; what counts is what its profile and group allow of it. */
  readonly scopes: readonly string[]
  /** Whether it is switched on; an enabled key may still be expired or revoked. */
  readonly enabled: boolean
  readonly createdAt: Date
  /** When it expires; null for never. */
  readonly expiresAt: Date | null
  /** When the key was last accepted. Other processes see that up to a second late, or ten where more than 500 keys are in use. */
  readonly lastUsedAt: Date | null
  /** The address of the current login; null before the first one, after a logout, and with `recordIp: false`, also for logins from before that. */
  readonly loggedIp: string | null
  /** When it got its present secret; null when that is its first. */
  readonly rotatedAt: Date | null
  /** Until when the secret before that one works, or worked; null when there was none. */
  readonly previousUntil: Date | null
  /** When the secret before the present one was last used since the rotation; null for not at all. As late as `lastUsedAt`. */
  readonly previousUsedAt: Date | null
  /** The networks from which it may be used; null for anywhere. */
  readonly allowedIps: readonly string[] | null
  /** Requests in each window of milliseconds; false for no limit, null for what holds otherwise. */
  readonly rateLimit: RateLimit | false | null
  /**
   * Uses in total or in each period, and those of the present period: by its own quota, or else its profile's, its group's or
   * the plugin's; null for no quota.
   */
  readonly quota: QuotaRecord | null
  /** What the application noted on it; null when nothing. */
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** When it was revoked, by itself or with its profile. */
  readonly revokedAt: Date | null
  /** As told by whoever revoked it. */
  readonly revokedReason: string | null
}

/** How many uses a key has. */
export interface QuotaRecord {
  readonly max: number
  /** The length of a period, in milliseconds; null when it is for good. */
  readonly every: number | null
  /** Uses taken in the present period. */
  readonly used: number
  /** When the next period begins; null when there is none, or when no use has begun the present one. */
  readonly resetsAt: Date | null
}

/** A key just made: its record, and the only time its secret is seen. */
export interface NewKey extends KeyRecord {
  /** The secret in full. Show it once; it is stored nowhere. */
  readonly key: string
}

/** Makes the record that the application sees of a stored key, at a time in milliseconds. */
export function toKeyRecord (row: KeyRow, at: number, settings: TermSettings & { readonly recordIp: boolean }): KeyRecord {
  return {
    id: row.id,
    userId: row.userId,
    profileId: row.profileId,
    name: row.name,
    start: row.start,
    state: stateOf(row, at),
    scopes: [...row.scopes],
    enabled: row.enabled ?? true,
    createdAt: new Date(row.createdAt),
    expiresAt: toDate(row.expiresAt),
    lastUsedAt: toDate(row.lastUsedAt),
    // Empty for a login from an address that was not to be kept.
    loggedIp: settings.recordIp && row.loggedIp !== '' ? row.loggedIp : null,
    rotatedAt: toDate(row.rotatedAt),
    previousUntil: toDate(row.previousUntil),
    previousUsedAt: toDate(row.rotatedAt !== null && row.previousUsedAt !== null && row.previousUsedAt >= row.rotatedAt ? row.previousUsedAt : null),
    allowedIps: row.allowedIps === null ? null : [...row.allowedIps],
    rateLimit: toOwnRate(row),
    quota: toQuotaRecord(row, at, quotaOf(row, settings)),
    metadata: row.metadata === null ? null : structuredClone(row.metadata),
    revokedAt: toDate(row.revokedAt ?? row.deletedAt),
    revokedReason: row.revokedReason
  }
}

/** The rate limit that a key or a profile says itself; false for none, null when it says nothing. */
export function toOwnRate (row: Pick<KeyRow, 'rateMax' | 'rateWindow'>): RateLimit | false | null {
  return row.rateMax === 0 ? false : findRate([row])
}

function toQuotaRecord ({ quotaUsed, quotaSince }: KeyRow, at: number, quota: Quota | null): QuotaRecord | null {
  if (quota === null) return null
  const { max, every } = quota
  if (every === null || quotaSince === null) return { max, every, used: quotaUsed, resetsAt: null }
  // It was begun by a clock that was ahead; the next use begins another.
  if (quotaSince - at > CLOCKS_APART) return { max, every, used: 0, resetsAt: null }
  const periods = Math.max(0, Math.floor((at - quotaSince) / every))
  return { max, every, used: periods > 0 ? 0 : quotaUsed, resetsAt: new Date(quotaSince + (periods + 1) * every) }
}

/** The state of a key. Whether its profile may use the API is another question; but one that was deleted took its keys along. */
export function stateOf (row: Pick<KeyRow, 'revokedAt' | 'deletedAt' | 'expiresAt' | 'enabled'>, at: number): KeyState {
  if (row.revokedAt !== null || row.deletedAt !== null) return 'revoked'
  if (row.expiresAt !== null && row.expiresAt <= at) return 'expired'
  return row.enabled === false ? 'disabled' : 'active'
}

/** A stored time; null for never. */
export function toDate (time: number | null): Date | null {
  return time === null ? null : new Date(time)
}
