import type { DayCount } from '../store/bookkeeping.js'

/** Milliseconds. */
export const DAY = 86_400_000

/** Counts that are kept while the database cannot be written; beyond that, new ones are given up. */
const MAX_WAITING = 200_000

/** The day of a time, in days since the epoch, in UTC. */
export function dayOf (at: number): number {
  return Math.floor(at / DAY)
}

interface Count extends DayCount {
  count: number
}

/** Uses and refusals by key, day and outcome, until they are written. */
export class Tally {
  /** Those of each key, which are few. A name made of all three would have to be made for each key in each second. */
  readonly #waiting = new Map<string, Count[]>()
  readonly #max: number
  #size = 0

  /** @param max how many counts are kept */
  constructor (max = MAX_WAITING) {
    this.#max = max
  }

  get size (): number {
    return this.#size
  }

  add (keyId: string, day: number, outcome: string, count: number): void {
    const counts = this.#waiting.get(keyId)
    const earlier = counts?.find((other) => other.day === day && other.outcome === outcome)
    if (earlier !== undefined) {
      earlier.count += count
      return
    }
    if (this.#size >= this.#max) return
    this.#size += 1
    const first = { keyId, day, outcome, count }
    if (counts === undefined) this.#waiting.set(keyId, [first])
    else counts.push(first)
  }

  /** The keys that there are counts of. */
  keys (): string[] {
    return [...this.#waiting.keys()]
  }

  /** The counts of some keys. */
  of (keyIds: readonly string[]): DayCount[] {
    return keyIds.flatMap((keyId) => this.#waiting.get(keyId) ?? [])
  }

  /** Takes out the counts of some keys. */
  take (keyIds: readonly string[]): DayCount[] {
    if (this.#size === 0) return []
    const counts = this.of(keyIds)
    for (const keyId of keyIds) this.#waiting.delete(keyId)
    this.#size -= counts.length
    return counts
  }

  /** Puts back what could not be written. */
  restore (counts: readonly DayCount[]): void {
    for (const { keyId, day, outcome, count } of counts) this.add(keyId, day, outcome, count)
  }

  /** Forgets all. */
  clear (): void {
    this.#waiting.clear()
    this.#size = 0
  }
}
