import type { KeyDraft, KeyRow, KeyTerms, ProfileRow } from './rows.js'

/** The row of a key that was just inserted. */
export function toNewRow ({ id, userId, name, start, createdAt }: KeyDraft, profile: ProfileRow, terms: KeyTerms): KeyRow {
  return {
    id,
    profileId: profile.id,
    userId,
    name,
    start,
    createdAt,
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
    deletedAt: null,
    group: profile.group,
    profileQuotaMax: profile.quotaMax,
    profileQuotaEvery: profile.quotaEvery,
    scopes: terms.scopes,
    expiresAt: terms.expiresAt,
    allowedIps: terms.allowedIps,
    rateMax: terms.rateMax,
    rateWindow: terms.rateWindow,
    quotaMax: terms.quotaMax,
    quotaEvery: terms.quotaEvery,
    metadata: terms.metadata
  }
}
