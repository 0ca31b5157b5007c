import { InvalidKeyError } from '../errors.js'
import type { AccessRow, Store } from '../store/store.js'
import { Access } from './access.js'
import type { Activity } from './activity.js'
import { Cache } from './cache.js'
import { digestOf, isWellFormed, MAX_SECRET_LENGTH } from './secret.js'

/** Look-ups under way, so that concurrent misses of one key make one. */
interface Lookup {
  readonly generation: number
  readonly found: Promise<Access>
}

/**
 * Tells whether a secret gives access. Synchronous wherever the answer is in memory or the engine is synchronous, since a
 * promise costs more than all of the checking.
 */
export class Verifier {
  readonly #store: Pick<Store, 'findByDigest' | 'generation'>
  readonly #activity: Pick<Activity, 'ofKey'>
  readonly #cache: Cache<Access> | null
  readonly #lookups = new Map<string, Lookup>()

  /** @param cacheSize how many keys are kept in memory, or false for none */
  constructor (store: Pick<Store, 'findByDigest' | 'generation'>, activity: Pick<Activity, 'ofKey'>, cacheSize: number | false) {
    this.#store = store
    this.#activity = activity
    this.#cache = cacheSize === false ? null : new Cache(cacheSize)
  }

  /**
   * Finds the key of a secret and judges its state.
   *
   * @throws FST_API_KEY_INVALID, FST_API_KEY_REVOKED, FST_API_KEY_API_FORBIDDEN or FST_API_KEY_UNAVAILABLE, or rejects with it
   */
  check (secret: string): Access | Promise<Access> {
    if (secret.length > MAX_SECRET_LENGTH) throw new InvalidKeyError()
    const digest = digestOf(secret)
    const generation = this.#cache === null ? 0 : this.#store.generation()
    const cached = this.#cache?.get(digest)
    if (cached !== undefined && cached.generation === generation) {
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

  #lookUp (digest: string, generation: number): Access | Promise<Access> {
    const running = this.#lookups.get(digest)
    // One that began before the last change may bring back what was changed.
    if (running !== undefined && running.generation === generation) return running.found
    const row = this.#store.findByDigest(digest)
    if (!(row instanceof Promise)) return this.#admit(digest, generation, row)
    const found = row.then((row) => this.#admit(digest, generation, row))
    const lookup = { generation, found }
    this.#lookups.set(digest, lookup)
    const done = () => { if (this.#lookups.get(digest) === lookup) this.#lookups.delete(digest) }
    found.then(done, done)
    return found
  }

  #admit (digest: string, generation: number, row: AccessRow | null): Access {
    if (row === null) throw new InvalidKeyError()
    const access = new Access(this.#activity.ofKey(row), generation)
    access.judge()
    // Only keys that exist and are good are kept, so that a flood of others pushes none of them out. The generation is
    // the one from before the look-up: what changed during it makes the entry stale at once.
    this.#cache?.set(digest, access)
    return access
  }
}
