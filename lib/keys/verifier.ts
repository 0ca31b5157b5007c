import { ApiForbiddenError, InvalidKeyError, RevokedKeyError } from '../errors.js'
import type { AccessRow, Store } from '../store/store.js'
import type { Activity, NotedUse } from './activity.js'
import { Cache } from './cache.js'
import { stateOf, type ApiUser } from './records.js'
import { digestOf, isWellFormed, MAX_SECRET_LENGTH } from './secret.js'

/** A key that was found: its row, and what was made of it for requests. */
export interface Access {
  readonly row: AccessRow
  readonly user: ApiUser
  /** The generation under which the row was read. */
  readonly generation: number
  /** The address of the current login. */
  loggedIp: string | null
  /** The last use that was noted, so that noting the next one needs no look-up. */
  use: NotedUse | null
}

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
    judge(cached.row)
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
    judge(row)
    const access = { row, user: toUser(row), generation, loggedIp: this.#activity.ofKey(row).loggedIp, use: null }
    // Only keys that exist and are good are kept, so that a flood of others pushes none of them out. The generation is
    // the one from before the look-up: what changed during it makes the entry stale at once.
    this.#cache?.set(digest, access)
    return access
  }
}

/** Every check that can change, for keys from the cache and from the database alike. */
function judge (row: AccessRow): void {
  if (stateOf(row) === 'revoked') throw new RevokedKeyError()
  if (row.canUseApi === false) throw new ApiForbiddenError()
}

function toUser (row: AccessRow): ApiUser {
  return Object.freeze({ id: row.userId, profileId: row.profileId, keyId: row.id, keyName: row.name, scopes: NO_SCOPES })
}

const NO_SCOPES: readonly string[] = Object.freeze([])
