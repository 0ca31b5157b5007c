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
    const cached = this.#cache?.get(digest)
    // A digest that is cached is that of a well-formed secret. Nothing else may cost the database even a generation.
    if (cached === undefined && !isWellFormed(secret)) throw new InvalidKeyError()
    if (this.#cache === null) return this.#lookUp(digest)
    const generation = this.#store.generation()
    if (cached === undefined || cached.generation !== generation) return this.#lookUpOnce(digest, generation)
    cached.judge()
    return cached
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

  /** Looks a key up together with whoever else wants it now, and keeps it. */
  #lookUpOnce (digest: string, generation: number): Access | Promise<Access> {
    const running = this.#lookups.get(digest)
    // One that began before the last change may bring back what was changed.
    if (running !== undefined && running.generation === generation) return running.found
    const found = this.#lookUp(digest, generation)
    if (!(found instanceof Promise)) return found
    const lookup = { generation, found }
    this.#lookups.set(digest, lookup)
    const done = () => { if (this.#lookups.get(digest) === lookup) this.#lookups.delete(digest) }
    found.then(done, done)
    return found
  }

  /** Without a generation to compare there is nothing that a look-up could be shared or kept under. */
  #lookUp (digest: string, generation = 0): Access | Promise<Access> {
    const row = this.#store.findByDigest(digest)
    return row instanceof Promise ? row.then((row) => this.#admit(digest, generation, row)) : this.#admit(digest, generation, row)
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
