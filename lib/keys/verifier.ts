import { InvalidKeyError } from '../errors.js'
import type { AccessRow, Store } from '../store/store.js'
import { Access } from './access.js'
import type { Activity } from './activity.js'
import { Cache } from './cache.js'
import { Drops } from './drops.js'
import { digestOf, isWellFormed, MAX_SECRET_LENGTH } from './secret.js'

/** Look-ups under way, so that concurrent misses of one key make one. */
interface Lookup {
  readonly generation: number | null
  readonly drops: number
  readonly startedAt: number
  readonly found: Promise<Access>
}

/** How old a look-up may be that others join while the store cannot tell what changed since, in milliseconds. */
const JOINED = 20

/** Of keys that were read while the store could not tell what changes: no generation is this. */
const NO_GENERATION = -1

/**
 * Tells whether a secret gives access. Synchronous wherever the answer is in memory or the engine is synchronous, since a
 * promise costs more than all of the checking.
 */
export class Verifier {
  readonly #store: Pick<Store, 'findByDigest' | 'generation' | 'watch'>
  readonly #activity: Pick<Activity, 'ofKey'>
  readonly #cache: Cache<Access> | null
  readonly #lookups = new Map<string, Lookup>()
  readonly #drops = new Drops((digest) => this.#cache?.delete(digest))

  /** @param cacheSize how many keys are kept in memory, or false for none */
  constructor (store: Pick<Store, 'findByDigest' | 'generation' | 'watch'>, activity: Pick<Activity, 'ofKey'>, cacheSize: number | false) {
    this.#store = store
    this.#activity = activity
    this.#cache = cacheSize === false ? null : new Cache(cacheSize)
    store.watch(this.#drops.add)
  }

  /**
   * Finds the key of a secret and judges its state.
   *
   * @throws FST_API_KEY_INVALID, FST_API_KEY_REVOKED, FST_API_KEY_API_FORBIDDEN or FST_API_KEY_UNAVAILABLE, or rejects with it
   */
  check (secret: string): Access | Promise<Access> {
    if (secret.length > MAX_SECRET_LENGTH) throw new InvalidKeyError()
    const digest = digestOf(secret)
    const generation = this.#cache === null ? null : this.#store.generation()
    const cached = this.#cache?.get(digest)
    if (cached !== undefined && cached.generation === generation && !this.#drops.concern(cached)) {
      cached.judge()
      return cached
    }
    // A digest that is cached is that of a well-formed secret, so the form needs checking only now.
    if (!isWellFormed(secret)) throw new InvalidKeyError()
    return this.#lookUp(digest, generation)
  }

  /** Finds a key in whatever state, past the cache and without any effect. */
  async find (secret: string): Promise<AccessRow | null> {
    return isWellFormed(secret) ? await this.#store.findByDigest(digestOf(secret)) : null
  }

  /** Makes the next use of a key begin a login. */
  forgetLogin (digest: string): void {
    const cached = this.#cache?.get(digest)
    if (cached !== undefined) cached.loggedIp = null
  }

  #lookUp (digest: string, generation: number | null): Access | Promise<Access> {
    const drops = this.#drops.count
    const running = this.#lookups.get(digest)
    if (running !== undefined && this.#mayJoin(running, generation)) return running.found
    const row = this.#store.findByDigest(digest)
    if (!(row instanceof Promise)) return this.#admit(digest, generation, drops, row)
    const found = row.then((row) => this.#admit(digest, generation, drops, row))
    const lookup = { generation, drops, startedAt: performance.now(), found }
    this.#lookups.set(digest, lookup)
    const done = () => { if (this.#lookups.get(digest) === lookup) this.#lookups.delete(digest) }
    found.then(done, done)
    return found
  }

  /** Whether a look-up can be relied on by a request that came later: one from before a change may bring back what was changed. */
  #mayJoin (running: Lookup, generation: number | null): boolean {
    if (running.generation !== generation || running.drops !== this.#drops.count) return false
    return generation !== null || performance.now() - running.startedAt < JOINED
  }

  #admit (digest: string, generation: number | null, drops: number, row: AccessRow | null): Access {
    if (row === null) throw new InvalidKeyError()
    const access = new Access(this.#activity.ofKey(row), generation, drops)
    access.judge()
    // Only keys that exist and are good are kept, so that a flood of others pushes none of them out. The generation is
    // the one from before the look-up: what changed during it makes the entry stale at once. A change that was told
    // during it may have been this key's, and came too late to find it in the cache.
    if (generation !== null && drops === this.#drops.count) this.#cache?.set(digest, access)
    return access
  }
}
