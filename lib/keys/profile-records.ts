import { findQuota, type RateLimit } from '../limits.js'
import type { Quota } from '../store/bookkeeping.js'
import type { ProfileRow } from '../store/rows.js'
import { toDate, toOwnRate } from './records.js'
import type { ApiKeyScope } from './scopes.js'
import { resolveTerms, type TermSettings } from './terms.js'

/**
 * What a profile says itself, in the form that `profiles.update` takes; null is left to its group, or else to the plugin.
 */
export interface ProfileOwn {
  readonly maxKeys: number | null
  readonly scopes: readonly ApiKeyScope[] | null
  /** In milliseconds; false is without end. */
  readonly expiry: { readonly default: number | false | null, readonly max: number | false | null }
  /** False is without limit. */
  readonly rateLimit: RateLimit | false | null
  /** False is without quota; `every` is null for one in total. */
  readonly quota: Quota | false | null
  readonly canUseApi: boolean | null
  readonly canMakeKeys: boolean | null
}

/** A user's standing with the API. */
export interface ProfileRecord {
  readonly id: number
  /** The application's own user id. */
  readonly userId: string
  /** The group it belongs to; null for none. It may be one that is no longer declared, which refuses its keys. */
  readonly group: string | null
  /** Live keys the profile may hold, -1 for unlimited: its own number, or else its group's, or else the plugin's. */
  readonly maxKeys: number
  /** The scopes that its keys may have; null for all. Its own, or else its group's. */
  readonly scopes: readonly string[] | null
  /** How long its keys live when they say nothing themselves, and at most, in milliseconds; null for without end. */
  readonly expiry: { readonly default: number | null, readonly max: number | null }
  /** Requests in each window of milliseconds that each of its keys may make: its own, or else its group's or the plugin's; null for no limit. */
  readonly rateLimit: RateLimit | null
  /** Uses of each of its keys, in total or in each period of milliseconds: its own, or else its group's or the plugin's; null for no quota. */
  readonly quota: Quota | null
  /** Whether the profile's keys are accepted. */
  readonly canUseApi: boolean
  /** Whether keys may be made for the profile. */
  readonly canMakeKeys: boolean
  /** What of the above the profile says itself. */
  readonly own: ProfileOwn
  /** When one of its keys was last accepted. Other processes see that up to a second late, or ten where more than 500 keys are in use. */
  readonly lastAccessAt: Date | null
  readonly createdAt: Date
}

/** Makes the record that the application sees of a stored profile: what holds for it, wherever that is said. */
export function toProfileRecord (row: ProfileRow, settings: TermSettings): ProfileRecord {
  const { maxKeys, scopes, expiryDefault, expiryMax, rate, quota, canUseApi, canMakeKeys } = resolveTerms(row, settings)
  return {
    id: row.id,
    userId: row.userId,
    group: row.group,
    maxKeys,
    scopes: scopes === null ? null : [...scopes],
    expiry: { default: expiryDefault, max: expiryMax },
    rateLimit: rate === null ? null : { ...rate },
    quota: quota === null ? null : { ...quota },
    canUseApi,
    canMakeKeys,
    own: toOwn(row),
    lastAccessAt: toDate(row.lastAccessAt),
    createdAt: new Date(row.createdAt)
  }
}

function toOwn (row: ProfileRow): ProfileOwn {
  const { maxKeys, scopes, expiryDefault, expiryMax, canUseApi, canMakeKeys } = row
  return {
    maxKeys,
    scopes: scopes as ProfileOwn['scopes'],
    // What is stored as 0 is without end.
    expiry: { default: expiryDefault === 0 ? false : expiryDefault, max: expiryMax === 0 ? false : expiryMax },
    rateLimit: toOwnRate(row),
    quota: row.quotaMax === 0 ? false : findQuota([row]),
    canUseApi,
    canMakeKeys
  }
}
