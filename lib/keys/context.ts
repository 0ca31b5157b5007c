import type { Store } from '../store/store.js'
import type { Activity } from './activity.js'
import type { ApiKeyEvents } from './events.js'
import type { User } from './records.js'
import type { TermSettings } from './terms.js'

/** The options that concern keys. */
export interface KeySettings extends TermSettings {
  /** The first part of keys; new ones get the first. */
  readonly prefixes: readonly [string, ...string[]]
  readonly keySize: number
  readonly autoProfile: boolean | ((user: User) => boolean | Promise<boolean>)
  readonly cacheSize: number | false
  readonly now: () => number
}

/** What the parts of the service share. */
export interface Context {
  readonly store: Store
  readonly activity: Activity
  readonly settings: KeySettings
  readonly announce: <E extends keyof ApiKeyEvents>(event: E, payload: ApiKeyEvents[E][0]) => void
}
