/**
 * Entries by key, at most `max` of them.
 *
 * Two maps instead of a list in order of use: a hit in the young map writes nothing, one in the old map moves the entry
 * to the young one. When the young map is half of `max`, it becomes the old one, and what nobody used since the last
 * time goes. So what is used often stays, as in an LRU, at the price of one map look-up.
 */
export class Cache<K, T> {
  readonly #half: number
  #young = new Map<K, T>()
  #old = new Map<K, T>()

  /** @param max the largest number of entries, at least 2 */
  constructor (max: number) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  get size (): number {
    let size = this.#young.size
    for (const key of this.#old.keys()) if (!this.#young.has(key)) size++
    return size
  }

  get (key: K): T | undefined {
    const entry = this.#young.get(key)
    if (entry !== undefined) return entry
    const old = this.#old.get(key)
    if (old !== undefined) {
      this.#old.delete(key)
      this.set(key, old)
    }
    return old
  }

  delete (key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  set (key: K, entry: T): void {
    this.#young.set(key, entry)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }
}

/**
 * Verified keys by digest.
 *
 * A map goes from text to text in memory to compare each with the one that is looked for, and with many keys in use each is
 * a wait. So the map's keys are numbers, which it holds itself: the first 32 bits of the digest. The entry then tells
 * whether it is that of the whole digest. Of two entries whose digests begin alike, one of four thousand million, the last is
 * kept.
 */
export class DigestCache<T extends { readonly digest: string }> {
  readonly #entries: Cache<number, T>

  /** @param max the largest number of entries, at least 2 */
  constructor (max: number) {
    this.#entries = new Cache(max)
  }

  get (digest: string): T | undefined {
    const entry = this.#entries.get(startOf(digest))
    return entry === undefined || entry.digest !== digest ? undefined : entry
  }

  /** Makes sure that there is no entry of the digest. One of another digest that begins alike stays, or unknown keys could push it out. */
  delete (digest: string): void {
    if (this.get(digest) !== undefined) this.#entries.delete(startOf(digest))
  }

  set (entry: T): void {
    this.#entries.set(startOf(entry.digest), entry)
  }
}

/** The first 32 bits of a digest. */
function startOf (digest: string): number {
  return digest.charCodeAt(0) | digest.charCodeAt(1) << 8 | digest.charCodeAt(2) << 16 | digest.charCodeAt(3) << 24
}
