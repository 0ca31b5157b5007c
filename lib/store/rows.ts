/*
 * What is stored, as the domain sees it. Times are milliseconds since the epoch, digests the 32 characters of `digestOf`.
 */

/** A profile as stored. */
export interface ProfileRow {
  readonly id: number
  readonly userId: string
  /** The profile's own limit; null when it follows the plugin's. */
  readonly maxKeys: number | null
  /** Null when it was never set, which is yes. */
  readonly canUseApi: boolean | null
  readonly canMakeKeys: boolean | null
  /** The last use of one of its keys, those that are pruned among them. Where a row comes from a change, it may not be known. */
  readonly lastAccessAt: number | null
  readonly createdAt: number
  /** The group it belongs to, if to any. */
  readonly group: string | null
  /** What its keys may have at most; null when it follows the group. */
  readonly scopes: readonly string[] | null
  /** Milliseconds, 0 without end; null when it follows the group. */
  readonly expiryDefault: number | null
  readonly expiryMax: number | null
  readonly rateMax: number | null
  readonly rateWindow: number | null
  readonly quotaMax: number | null
  readonly quotaEvery: number | null
}

/** A key as stored, without its digest, with its owner's id. */
export interface KeyRow {
  readonly id: string
  readonly profileId: number
  readonly userId: string
  readonly name: string
  readonly start: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly loggedIp: string | null
  readonly revokedAt: number | null
  readonly revokedReason: string | null
  readonly scopes: readonly string[]
  readonly expiresAt: number | null
  /** Null when it was never set, which is yes. */
  readonly enabled: boolean | null
  readonly rotatedAt: number | null
  /** Until when the secret before the last rotation is good; null when there was no rotation. */
  readonly previousUntil: number | null
  /** When a secret that a rotation replaced was last used. */
  readonly previousUsedAt: number | null
  /** Networks from which it may be used; null is anywhere. */
  readonly allowedIps: readonly string[] | null
  readonly rateMax: number | null
  readonly rateWindow: number | null
  readonly quotaMax: number | null
  readonly quotaEvery: number | null
  readonly quotaUsed: number
  readonly quotaSince: number | null
  readonly metadata: Metadata | null
  /** When its profile was deleted; null when it was not. Then it is as good as revoked, also where nothing has revoked it. */
  readonly deletedAt: number | null
  /** What its profile says: the group it belongs to, and the quota of its keys. */
  readonly group: string | null
  readonly profileQuotaMax: number | null
  readonly profileQuotaEvery: number | null
}

/** What an application notes on a key: an object that JSON can hold. */
export type Metadata = Readonly<Record<string, unknown>>

/** A key together with what its profile says about access: all that verifying needs, from one look-up. */
export interface AccessRow extends KeyRow {
  readonly canUseApi: boolean | null
  readonly profileScopes: readonly string[] | null
  readonly profileRateMax: number | null
  readonly profileRateWindow: number | null
  /** Whether it was found by the secret before the last rotation. */
  readonly isPrevious: boolean
}

/** A key with its digests, as those who change it see it. */
export interface StoredKey extends KeyRow {
  readonly digest: string
  readonly previousDigest: string | null
}

/** What a key may be changed to; what is absent stays as it is. */
export type KeyFields = Partial<Omit<StoredKey, 'id' | 'profileId' | 'userId' | 'createdAt' | 'lastUsedAt' | 'loggedIp' | 'previousUsedAt' | 'deletedAt' | 'group' | 'profileQuotaMax' | 'profileQuotaEvery'>>

/** What is given to a new key besides its name. */
export interface KeyTerms {
  readonly scopes: readonly string[]
  readonly expiresAt: number | null
  readonly allowedIps: readonly string[] | null
  readonly rateMax: number | null
  readonly rateWindow: number | null
  readonly quotaMax: number | null
  readonly quotaEvery: number | null
  readonly metadata: Metadata | null
}

/** A key to insert. */
export interface KeyDraft {
  readonly id: string
  readonly userId: string
  readonly name: string
  readonly start: string
  readonly digest: string
  readonly nonce: string | null
  readonly createdAt: number
  /** Whether a user without a profile gets one in the same step. */
  readonly makeProfile: boolean
}

/** What a profile may be created with or changed to; what is absent stays as it is. */
export interface ProfileFields {
  readonly maxKeys?: number | null
  readonly canUseApi?: boolean | null
  readonly canMakeKeys?: boolean | null
  readonly group?: string | null
  readonly scopes?: readonly string[] | null
  readonly expiryDefault?: number | null
  readonly expiryMax?: number | null
  readonly rateMax?: number | null
  readonly rateWindow?: number | null
  readonly quotaMax?: number | null
  readonly quotaEvery?: number | null
}
