import type { AccessRow, KeyTerms, ProfileRow } from '../../lib/store/rows.js'
import type { Rules } from '../../lib/store/store.js'
import { resolveTerms, type TermSettings } from '../../lib/keys/terms.js'

/** A new key of Ann's as a look-up gives it, with what is different about it. */
export function accessRow (fields: Partial<AccessRow> = {}): AccessRow {
  return {
    id: 'key',
    profileId: 1,
    userId: 'ann',
    name: '',
    start: 'ak_0000',
    createdAt: 0,
    lastUsedAt: null,
    loggedIp: null,
    revokedAt: null,
    revokedReason: null,
    enabled: null,
    rotatedAt: null,
    previousUntil: null,
    previousUsedAt: null,
    quotaUsed: 0,
    quotaSince: null,
    ...NO_TERMS,
    canUseApi: null,
    deletedAt: null,
    group: null,
    profileScopes: null,
    profileRateMax: null,
    profileRateWindow: null,
    profileQuotaMax: null,
    profileQuotaEvery: null,
    isPrevious: false,
    ...fields
  }
}

/** A profile that says nothing itself, with what is different about it. */
export function profileRow (fields: Partial<ProfileRow> = {}): ProfileRow {
  return {
    id: 1,
    userId: 'ann',
    maxKeys: null,
    canUseApi: null,
    canMakeKeys: null,
    lastAccessAt: null,
    createdAt: 0,
    group: null,
    scopes: null,
    expiryDefault: null,
    expiryMax: null,
    rateMax: null,
    rateWindow: null,
    quotaMax: null,
    quotaEvery: null,
    ...fields
  }
}

/** The settings of a plugin that was given no options about terms. */
export const openSettings: TermSettings = { terms: {}, groups: new Map(), scopes: null }

/** What holds for a profile that says nothing, under such settings. */
export const openTerms = resolveTerms(profileRow(), openSettings)

/** What a key has that was given nothing. */
export const NO_TERMS: KeyTerms = {
  scopes: [], expiresAt: null, allowedIps: null, rateMax: null, rateWindow: null, quotaMax: null, quotaEvery: null, metadata: null
}

/** Rules by which every profile may hold so many keys unless it says otherwise, and a key gets these terms. */
export function rules (maxKeys: number, terms: KeyTerms | Error = NO_TERMS): Rules {
  return { limitOf: (profile) => profile.maxKeys ?? maxKeys, termsOf: () => terms }
}
