/**
 * What a map can do, as far as a cache needs it. Undefined is no entry. A table whose keys are objects may tell them apart by what they hold;
 * a map tells them apart by which object they are.
 */
export interface Table<K, T> {
  readonly size: number
  get (key: K): T | undefined
  set (key: K, entry: T): void
  delete (key: K): void
}

/**
 * Entries by key, at most `max` of them.
 *
 * Two maps instead of a list in order of use: a hit in the young map writes nothing, one in the old map moves the entry
 * to the young one. When the young map is half of `max`, it becomes the old one, and what nobody used since the last
 * time goes. So what is used often stays, as in an LRU, at the price of one map look-up.
 */
export class Cache<K, T> {
  readonly #half: number
  readonly #makeTable: () => Table<K, T>
  #young: Table<K, T>
  #old: Table<K, T>

  /**
   * @param max the largest number of entries, at least 2
   * @param makeTable makes an empty table, of which the cache needs two, and another each time that it has half of its entries in one
   */
  constructor (max: number, makeTable: () => Table<K, T> = () => new Map<K, T>()) {
    this.#half = Math.max(1, Math.floor(max / 2))
    this.#makeTable = makeTable
    this.#young = makeTable()
    this.#old = makeTable()
  }

  /** How many entries there are, at most `max`. One that was set anew may count twice, with the one in whose place it is. */
  get size (): number {
    return this.#young.size + this.#old.size
  }

  /** @returns the entry of a key, which has now been used; undefined for none */
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

  /** Makes sure that there is no entry of a key. */
  delete (key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  /** Puts in an entry, in place of the one that the key had. */
  set (key: K, entry: T): void {
    this.#young.set(key, entry)
    if (this.#young.size < this.#half) return
    this.#old = this.#young
    this.#young = this.#makeTable()
  }
}
