import type { RateLimit } from '../limits.js'
import type { Author } from '../store/bookkeeping.js'
import type { Store } from '../store/store.js'
import type { Activity } from './activity.js'
import type { ApiKeyEvents, By } from './events.js'
import type { User } from './records.js'
import type { TermSettings } from './terms.js'

/** The options that concern keys. */
export interface KeySettings extends TermSettings {
  /** The first part of keys; new ones get the first. */
  readonly prefixes: readonly [string, ...string[]]
  readonly keySize: number
  readonly autoProfile: boolean | ((user: User) => boolean | Promise<boolean>)
  readonly cacheSize: number | false
  /** Whether addresses are stored, logged and told. */
  readonly recordIp: boolean
  /** Failed attempts from one address until it has to wait; null for no limit. */
  readonly failureLimit: RateLimit | null
  readonly now: () => number
  /** Whether rate limits can be counted; without it they can, or that is not known yet. */
  readonly countsRates?: () => boolean
}

/** What the parts of the service share. */
export interface Context {
  readonly store: Store
  readonly activity: Activity
  readonly settings: KeySettings
  /** Who makes a change, as it is remembered. */
  readonly authorOf: (by: By, at: number) => Author
  /** Whether anybody listens to an event. */
  readonly isHeard: (event: keyof ApiKeyEvents) => boolean
  readonly announce: <E extends keyof ApiKeyEvents>(event: E, payload: ApiKeyEvents[E][0]) => void
}
