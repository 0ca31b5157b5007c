import type { ChartView } from './chart.js'
import type { HistoryView } from './history.js'
import type { LimitsView } from './limits.js'
import type { TimeView } from './time.js'

/** A key, ready to be shown. */
export interface KeyView {
  readonly id: string
  /** The key's name; `Unnamed key` when the application made it without one. */
  readonly name: string
  /** The secret's first characters. */
  readonly start: string
  /** `expiring` is active and ends within 14 days and within the last fifth of its whole life. */
  readonly state: 'active' | 'expiring' | 'disabled' | 'expired' | 'revoked'
  /** As they were given; what counts is what its profile and group allow of them. */
  readonly scopes: readonly string[]
  readonly created: TimeView
  /** Null when it was never used. */
  readonly lastUsed: TimeView | null
  /** The address of the current login; null before the first use and after a logout. */
  readonly loggedIp: string | null
  /** When it expires or expired; null for never. */
  readonly expires: TimeView | null
  /** Null while it is not revoked. */
  readonly revoked: TimeView | null
  /** When it was revoked or else expired; null while it is live. */
  readonly ended: TimeView | null
  /** The key's own page. Below it are `/edit`, `/rotate`, `/enable` and `/disable`. */
  readonly url: string
  /** The page that asks before revoking, and to which its form is sent. */
  readonly revokeUrl: string
}

/** A scope that a key was given. */
export interface ScopeView {
  readonly name: string
  /** Its description; null when the application declares no such scope. */
  readonly text: string | null
  /** False when the profile does not allow it, so that the key cannot use it. */
  readonly counts: boolean
}

/** `key.html`: one key. */
export interface KeyPageView {
  readonly key: KeyView
  /** Whether it can be changed: it is neither revoked nor expired. */
  readonly isLive: boolean
  readonly scopes: readonly ScopeView[]
  /** Where it may be used from; null for anywhere. */
  readonly addresses: readonly string[] | null
  /** When it got its present secret; null when that is its first. */
  readonly rotated: TimeView | null
  /** Until when the secret before works too; null when it does not, as while the key is disabled or its owner may not use the API. */
  readonly previousUntil: TimeView | null
  /** When that was last used since the rotation; null for not at all. */
  readonly previousUsed: TimeView | null
  /** Why it was revoked; null when that was not told. */
  readonly reason: string | null
  readonly chart: ChartView
  readonly limits: LimitsView
  readonly history: HistoryView
}
