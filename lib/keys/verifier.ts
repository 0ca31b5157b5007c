import { InvalidKeyError } from '../errors.js'
import type { AccessRow } from '../store/rows.js'
import type { Store } from '../store/store.js'
import { Access } from './access.js'
import type { Activity } from './activity.js'
import { Cache } from './cache.js'
import { DigestTable, wordsOf } from './digests.js'
import { Drops } from './drops.js'
import type { FailureLimit } from './failures.js'
import { resolveTerms, termsOf, type TermSettings } from './terms.js'
import { digestOf, isWellFormed, MAX_SECRET_LENGTH } from './secret.js'
import { hashAscii } from './sha256.js'

/** Look-ups under way, so that concurrent misses of one key make one. */
interface Lookup {
  readonly generation: number
  readonly drops: number
  readonly found: Promise<Access>
}

/** Who sends a secret, as far as attempts are counted. Read only where needed, since a request has to find its address out. */
export interface Caller {
  /** Nothing for a client on a Unix socket. */
  readonly ip: string | null | undefined
}

const NOBODY: Caller = { ip: null }

/** The options that concern verifying. */
export interface VerifierSettings extends TermSettings {
  /** How many keys are kept in memory, or false for none. */
  readonly cacheSize: number | false
  readonly now: () => number
}

/** Of keys that were read while nothing could tell what changes since. No generation is this. */
const NO_GENERATION = -1

/**
 * Tells whether a secret gives access. Synchronous wherever the answer is in memory or the engine is synchronous, since a
 * promise costs more than all of the checking.
 */
export class Verifier {
  readonly #store: Pick<Store, 'findByDigest' | 'generation' | 'watch'>
  readonly #activity: Pick<Activity, 'ofKey'>
  readonly #settings: VerifierSettings
  readonly #isRealTime: boolean
  readonly #cache: Cache<Int32Array, Access> | null
  readonly #failures: Pick<FailureLimit, 'check'> | null
  readonly #lookups = new Map<string, Lookup>()
  readonly #drops = new Drops((digest) => this.#cache?.delete(wordsOf(digest)))

  /** @param failures what limits the attempts of an address, or null for nothing */
  constructor (
    store: Pick<Store, 'findByDigest' | 'generation' | 'watch'>, activity: Pick<Activity, 'ofKey'>, settings: VerifierSettings,
    failures: Pick<FailureLimit, 'check'> | null = null
  ) {
    this.#store = store
    this.#failures = failures
    this.#activity = activity
    this.#settings = settings
    this.#isRealTime = settings.now === Date.now
    this.#cache = settings.cacheSize === false ? null : new Cache(settings.cacheSize, () => new DigestTable())
    store.watch(this.#drops.add)
  }

  /**
   * Finds the key of a secret and judges its state.
   *
   * @param at now, by the application's clock
   * @param caller whose attempts are counted; nobody's without it
   * @throws FST_API_KEY_INVALID, FST_API_KEY_TOO_MANY_FAILURES, what `Access.judge` throws, or FST_API_KEY_UNAVAILABLE; or
   * rejects with it
   */
  check (secret: string, at: number, caller: Caller = NOBODY): Access | Promise<Access> {
    if (secret.length > MAX_SECRET_LENGTH) {
      this.#limitAttempts(caller)
      throw new InvalidKeyError()
    }
    const cached = this.#findCached(secret)
    // A digest that is cached is that of a well-formed secret. Nothing else may cost the database even a generation, nor
    // is anything else let pass from an address that may try nothing more for now.
    if (cached === undefined) {
      this.#limitAttempts(caller)
      if (!isWellFormed(secret)) throw new InvalidKeyError()
    }
    // How long the cache is good is a matter of real time.
    const generation = this.#cache === null ? null : this.#store.generation(this.#isRealTime ? at : Date.now())
    if (generation === null) return this.#lookUp(digestOf(secret), NO_GENERATION)
    if (cached === undefined || cached.generation !== generation || this.#drops.concern(cached)) return this.#lookUpOnce(digestOf(secret), generation)
    cached.judge(at)
    return cached
  }

  /** Finds a key in whatever state, past the cache and without any effect. */
  async find (secret: string): Promise<AccessRow | null> {
    return isWellFormed(secret) ? await this.#store.findByDigest(digestOf(secret)) : null
  }

  /** Makes the next use of a key begin a login. */
  forgetLogin (digest: string): void {
    const cached = this.#cache?.get(wordsOf(digest))
    if (cached !== undefined) cached.loggedIp = null
  }

  /** What `hashAscii` does not hash is no key, or could not be in the cache. */
  #findCached (secret: string): Access | undefined {
    if (this.#cache === null) return undefined
    const digest = hashAscii(secret)
    return digest === null ? undefined : this.#cache.get(digest)
  }

  #limitAttempts (caller: Caller): void {
    if (this.#failures === null) return
    const { ip } = caller
    if (ip != null) this.#failures.check(ip)
  }

  /** Looks a key up together with whoever else wants it now, and keeps it. */
  #lookUpOnce (digest: string, generation: number): Access | Promise<Access> {
    const running = this.#lookups.get(digest)
    // One that began before the last change may bring back what was changed.
    if (running !== undefined && running.generation === generation && running.drops === this.#drops.count) return running.found
    const drops = this.#drops.count
    const found = this.#lookUp(digest, generation)
    if (!(found instanceof Promise)) return found
    const lookup = { generation, drops, found }
    this.#lookups.set(digest, lookup)
    const done = () => { if (this.#lookups.get(digest) === lookup) this.#lookups.delete(digest) }
    found.then(done, done)
    return found
  }

  /** Without a generation to compare there is nothing that a look-up could be shared or kept under. */
  #lookUp (digest: string, generation: number): Access | Promise<Access> {
    const drops = this.#drops.count
    const row = this.#store.findByDigest(digest)
    return row instanceof Promise ? row.then((row) => this.#admit(digest, generation, drops, row)) : this.#admit(digest, generation, drops, row)
  }

  #admit (digest: string, generation: number, drops: number, row: AccessRow | null): Access {
    try {
      return this.#keep(digest, generation, drops, row)
    } catch (error) {
      // A key in the cache passes the limit on failed attempts, so one that is no longer good must not stay there.
      this.#cache?.delete(wordsOf(digest))
      throw error
    }
  }

  #keep (digest: string, generation: number, drops: number, row: AccessRow | null): Access {
    if (row === null) throw new InvalidKeyError()
    const access = new Access(this.#activity.ofKey(row), resolveTerms(termsOf(row), this.#settings), generation, drops)
    access.judge(this.#settings.now())
    // Only keys that exist and are good are kept, so that a flood of others pushes none of them out. The generation is
    // the one from before the look-up: what changed during it makes the entry stale at once. A change that was told
    // during it may have been this key's, and came too late to find it in the cache.
    if (generation !== NO_GENERATION && drops === this.#drops.count) this.#cache?.set(wordsOf(digest), access)
    return access
  }
}
