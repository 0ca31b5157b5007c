/**
 * Verified keys by digest, at most `max` of them.
 *
 * Two maps instead of a list in order of use: a hit in the young map writes nothing, one in the old map moves the entry
 * to the young one. When the young map is half of `max`, it becomes the old one, and what nobody used since the last
 * time goes. So what is used often stays, as in an LRU, at the price of one map look-up.
 */
export class Cache<T> {
  readonly #half: number
  #young = new Map<string, T>()
  #old = new Map<string, T>()

  /** @param max the largest number of entries, at least 2 */
  constructor (max: number) {
    this.#half = Math.max(1, Math.floor(max / 2))
  }

  get size (): number {
    let size = this.#young.size
    for (const digest of this.#old.keys()) if (!this.#young.has(digest)) size++
    return size
  }

  get (digest: string): T | undefined {
    const entry = this.#young.get(digest)
    if (entry !== undefined) return entry
    const old = this.#old.get(digest)
    if (old !== undefined) {
      this.#old.delete(digest)
      this.set(digest, old)
    }
    return old
  }

  delete (digest: string): void {
    this.#young.delete(digest)
    this.#old.delete(digest)
  }

  set (digest: string, entry: T): void {
    this.#young.set(digest, entry)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = new Map()
  }
}
