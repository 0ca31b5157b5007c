import type { Change } from '../store/store.js'
import type { Access } from './access.js'

/** How many profiles are remembered one by one; after that, all that is cached goes. */
const MAX_PROFILES = 1000

/**
 * Counts the changes that a store tells of, so that nothing read before a change is used after it. Keys are taken out of
 * the cache at once. To find a profile's keys there would mean to go through all of it, so it is only noted when the
 * profile changed, and its keys are found out one by one.
 */
export class Drops {
  /** How many changes there were. */
  count = 0
  readonly #remove: (digest: string) => void
  readonly #profiles = new Map<number, number>()
  #all = 0

  /** @param remove takes a key out of the cache */
  constructor (remove: (digest: string) => void) {
    this.#remove = remove
  }

  readonly add = (change: Change): void => {
    this.count += 1
    if ('digest' in change) return this.#remove(change.digest)
    if (this.#profiles.size >= MAX_PROFILES) {
      this.#profiles.clear()
      this.#all = this.count
    }
    this.#profiles.set(change.profileId, this.count)
  }

  /** Whether a key's profile was dropped since the key was read. */
  concern ({ drops, user }: Access): boolean {
    // Mostly nothing was dropped, and then nothing is looked up.
    return drops < this.count && (drops < this.#all || drops < (this.#profiles.get(user.profileId) ?? 0))
  }
}
