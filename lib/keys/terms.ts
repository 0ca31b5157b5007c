import { findQuota, findRate, type QuotaTerms, type RateLimit, type RateTerms } from '../limits.js'
import type { Quota } from '../store/bookkeeping.js'
import type { AccessRow, KeyRow, ProfileRow } from '../store/rows.js'

/** What a profile, a group or the plugin may say about keys; what is absent or null follows the next in that order. */
export interface Terms extends RateTerms, QuotaTerms {
  readonly maxKeys?: number | null
  readonly scopes?: readonly string[] | null
  /** Milliseconds that a new key lives when it says nothing itself; 0 is without end. */
  readonly expiryDefault?: number | null
  /** Milliseconds that a key may live at most; 0 is without end. */
  readonly expiryMax?: number | null
  readonly canUseApi?: boolean | null
  readonly canMakeKeys?: boolean | null
}

/** What holds for a profile's keys, once all is resolved. */
export interface Resolved {
  /** False when the profile is in a group that is not declared, which refuses all. */
  readonly isKnownGroup: boolean
  /** -1 is unlimited. */
  readonly maxKeys: number
  /** Null is every scope. */
  readonly scopes: readonly string[] | null
  /** Milliseconds; null is without end. */
  readonly expiryDefault: number | null
  readonly expiryMax: number | null
  /** Requests of each key; null is without limit. */
  readonly rate: RateLimit | null
  /** Uses of each key; null is without limit. */
  readonly quota: Quota | null
  readonly canUseApi: boolean
  readonly canMakeKeys: boolean
}

/** What is read of a profile. */
export type ProfileTerms = Pick<ProfileRow, 'group' | 'maxKeys' | 'scopes' | 'expiryDefault' | 'expiryMax' | 'rateMax' | 'rateWindow' | 'quotaMax' | 'quotaEvery' | 'canUseApi' | 'canMakeKeys'>

/** The plugin's terms, its groups by name, and the scopes that there are; null when any scope may be asked for. */
export interface TermSettings {
  readonly terms: Terms
  readonly groups: ReadonlyMap<string, Terms>
  readonly scopes: ReadonlyMap<string, string> | null
}

/** What a look-up says of the profile. The rest of its terms concerns new keys and not requests. */
export function termsOf (row: AccessRow): ProfileTerms {
  const { canUseApi, group, profileScopes: scopes, profileRateMax: rateMax, profileRateWindow: rateWindow, profileQuotaMax: quotaMax, profileQuotaEvery: quotaEvery } = row
  return { canUseApi, group, scopes, rateMax, rateWindow, quotaMax, quotaEvery, canMakeKeys: null, maxKeys: null, expiryDefault: null, expiryMax: null }
}

/** Finds what holds for a profile: its own values win over its group's, and the group's over the plugin's. */
export function resolveTerms (profile: ProfileTerms, { terms, groups, scopes }: TermSettings): Resolved {
  const group = profile.group === null ? NONE : groups.get(profile.group)
  const isKnownGroup = group !== undefined
  const levels: readonly Terms[] = [profile, group ?? NONE, terms]
  const first = <K extends keyof Terms>(name: K): NonNullable<Terms[K]> | null => {
    for (const level of levels) {
      const value = level[name]
      if (value !== undefined && value !== null) return value
    }
    return null
  }
  const allowed = first('scopes')
  const declared = scopes === null ? null : [...scopes.keys()]
  return {
    isKnownGroup,
    maxKeys: first('maxKeys') ?? -1,
    scopes: allowed === null ? declared : declared === null ? allowed : allowed.filter((scope) => declared.includes(scope)),
    expiryDefault: first('expiryDefault') || null,
    expiryMax: first('expiryMax') || null,
    rate: findRate(levels),
    quota: findQuota(levels),
    canUseApi: isKnownGroup && (first('canUseApi') ?? true),
    canMakeKeys: isKnownGroup && (first('canMakeKeys') ?? true)
  }
}

/** Finds the quota of a key: its own, or else what holds for its profile. */
export function quotaOf (row: KeyRow, { terms, groups }: TermSettings): Quota | null {
  const group = row.group === null ? NONE : groups.get(row.group) ?? NONE
  return findQuota([row, { quotaMax: row.profileQuotaMax, quotaEvery: row.profileQuotaEvery }, group, terms])
}

const NONE: Terms = {}
