import type { DayCount } from '../store/accounts.js'

/** Milliseconds. */
export const DAY = 86_400_000

/** Counts that are kept while the database cannot be written; beyond that, new ones are given up. */
const MAX_WAITING = 200_000

/** The day of a time, in days since the epoch, in UTC. */
export function dayOf (at: number): number {
  return Math.floor(at / DAY)
}

/** Uses and refusals by key, day and outcome, until they are written. */
export class Tally {
  #waiting = new Map<string, DayCount>()

  get size (): number {
    return this.#waiting.size
  }

  add (keyId: string, day: number, outcome: string, count: number): void {
    const name = `${keyId} ${day} ${outcome}`
    const earlier = this.#waiting.get(name)
    if (earlier === undefined && this.#waiting.size >= MAX_WAITING) return
    this.#waiting.set(name, { keyId, day, outcome, count: count + (earlier?.count ?? 0) })
  }

  /** Takes all counts out, in the order of their keys. */
  take (): DayCount[] {
    const counts = [...this.#waiting.values()].sort((a, b) => a.keyId < b.keyId ? -1 : 1)
    this.#waiting = new Map()
    return counts
  }

  /** Puts back what could not be written. */
  restore (counts: readonly DayCount[]): void {
    for (const { keyId, day, outcome, count } of counts) this.add(keyId, day, outcome, count)
  }
}
