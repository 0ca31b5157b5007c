import type { Table } from './cache.js'
import { DIGEST_WORDS } from './sha256.js'

/** Places in an empty table: a power of two, as all its later sizes, so that a part of a word tells the place. */
const SMALLEST = 16

/**
 * The words of a digest, the first four characters in the first of them, as `hashAscii` gives them. Never throws: a message from the database
 * may name what is no digest, and then nothing is found by its words. What it lacks counts as zeros, and what it has too much is left out.
 *
 * @param digest 32 characters, as `digestOf` gives them
 */
export function wordsOf (digest: string): Int32Array {
  const words = new Int32Array(DIGEST_WORDS)
  for (let i = 0; i < DIGEST_WORDS * 4; i++) words[i >> 2] = (words[i >> 2] as number) << 8 | digest.charCodeAt(i)
  return words
}

/**
 * A map by digests, given as their words. A map by texts goes from one text in memory to another to compare each with the one that is
 * looked for, and with many keys in use each is a wait. Here the digests stand next to each other, each at the place that its first word
 * tells, or the next that is free. At least half of the places are; the table grows by itself, and never shrinks.
 *
 * It keeps copies of the digests that it is given, so that those may be filled anew.
 */
export class DigestTable<T extends NonNullable<unknown>> implements Table<Int32Array, T> {
  #mask = SMALLEST - 1
  #digests = new Int32Array(SMALLEST * DIGEST_WORDS)
  #entries: Array<T | undefined> = new Array(SMALLEST).fill(undefined)
  #size = 0

  /** How many entries there are. */
  get size (): number {
    return this.#size
  }

  /** @returns the entry of a digest; undefined for none */
  get (digest: Int32Array): T | undefined {
    return this.#entries[this.#find(digest)]
  }

  /**
   * Puts in an entry, in place of the one that the digest had.
   *
   * @throws RangeError when there is no memory to grow, and nothing changes
   */
  set (digest: Int32Array, entry: T): void {
    const place = this.#find(digest)
    if (this.#entries[place] !== undefined) {
      this.#entries[place] = entry
      return
    }
    // Half empty, so that most are where they are looked for first.
    if ((this.#size + 1) * 2 > this.#entries.length) this.#grow()
    this.#insert(digest, 0, entry)
    this.#size += 1
  }

  /** Makes sure that there is no entry of a digest. */
  delete (digest: Int32Array): void {
    const place = this.#find(digest)
    if (this.#entries[place] === undefined) return
    this.#entries[place] = undefined
    this.#size -= 1
    // What stands behind the gap may be there only because this place was not free.
    for (let next = this.#after(place), entry; (entry = this.#entries[next]) !== undefined; next = this.#after(next)) {
      this.#entries[next] = undefined
      this.#insert(this.#digests, next * DIGEST_WORDS, entry)
    }
  }

  /** The place of a digest, or the free one where it would be put. */
  #find (digest: Int32Array): number {
    let place = (digest[0] as number) & this.#mask
    while (this.#entries[place] !== undefined && !this.#isAt(place, digest)) place = this.#after(place)
    return place
  }

  #isAt (place: number, digest: Int32Array): boolean {
    const from = place * DIGEST_WORDS
    for (let i = 0; i < DIGEST_WORDS; i++) if (this.#digests[from + i] !== digest[i]) return false
    return true
  }

  #after (place: number): number {
    return (place + 1) & this.#mask
  }

  /** Puts in an entry of a digest that has none. The digest begins at `from` in a list of words. */
  #insert (digests: Int32Array, from: number, entry: T): void {
    let place = (digests[from] as number) & this.#mask
    while (this.#entries[place] !== undefined) place = this.#after(place)
    for (let i = 0; i < DIGEST_WORDS; i++) this.#digests[place * DIGEST_WORDS + i] = digests[from + i] as number
    this.#entries[place] = entry
  }

  #grow (): void {
    const entries = this.#entries
    const digests = this.#digests
    const size = entries.length * 2
    // First of all, since it fails where there is no memory, and the table is to stay as it is then.
    this.#digests = new Int32Array(size * DIGEST_WORDS)
    this.#entries = new Array(size).fill(undefined)
    this.#mask = size - 1
    entries.forEach((entry, place) => { if (entry !== undefined) this.#insert(digests, place * DIGEST_WORDS, entry) })
  }
}
