import type { DayCount } from '../store/bookkeeping.js'
import type { Access } from './access.js'
import { dayOf, Tally } from './tally.js'
import { Waiting } from './waiting.js'

/** What is taken out of memory to be written. */
export interface Taken {
  /** Keys that were used. */
  readonly used: readonly Access[]
  /** The day of the next two. */
  readonly day: number
  /** How often each of them was accepted, as far as no entry of the log tells. */
  readonly accepted: readonly number[]
  /** The same as far as entries tell. */
  readonly logged: readonly number[]
  /** All other counts of which no entry tells. */
  readonly counts: readonly DayCount[]
  /** The same of which entries tell. */
  readonly loggedCounts: readonly DayCount[]
}

/**
 * What was noted and is not stored: last uses, and counts. Those of which no entry of the log tells are kept apart from those of which
 * entries do, since whoever applies an entry has counted them. How often a key was accepted today is in its `Access`, all else in tallies.
 */
export class Unstored {
  readonly waiting = new Waiting()
  readonly #counts = new Tally()
  /** Bounded by what is logged: nothing is while entries cannot be replaced or applied. */
  readonly #logged = new Tally(Infinity)
  #day = 0

  get size (): number {
    return this.waiting.size + this.#counts.size + this.#logged.size
  }

  refuse (keyId: string, at: number, reason: string): void {
    this.#counts.add(keyId, dayOf(at), reason, 1)
  }

  /** Begins a day. What was accepted until now belongs to the one before. */
  beginDay (day: number): void {
    for (const access of this.waiting.values()) this.#putAside(access)
    this.#day = day
  }

  /** Gives up the last use of a key, but not what is counted. */
  giveUp (access: Access): void {
    this.#putAside(access)
    this.waiting.delete(access)
  }

  #putAside (access: Access): void {
    const { user: { keyId }, accepted, logged } = access
    if (accepted > 0) this.#counts.add(keyId, this.#day, 'accepted', accepted)
    if (logged > 0) this.#logged.add(keyId, this.#day, 'accepted', logged)
    access.accepted = 0
    access.logged = 0
  }

  /** All keys of which something is kept. */
  keys (): string[] {
    const keyIds = this.waiting.keys()
    const others = [...this.#counts.keys(), ...this.#logged.keys()].filter((keyId) => this.waiting.get(keyId) === undefined)
    return others.length === 0 ? keyIds : [...keyIds, ...new Set(others)]
  }

  /** The keys with counts that are in no `Access` and of which no entry tells. */
  countedKeys (): string[] {
    return this.#counts.keys()
  }

  /** Those of some keys whose last use is kept. One that was given up in the meantime is not there any more. */
  usedOf (keyIds: readonly string[]): Access[] {
    return keyIds.map((keyId) => this.waiting.get(keyId)).filter((access) => access !== undefined)
  }

  /**
   * What is counted of some keys and not stored.
   *
   * @param withLogged whether with what entries tell
   */
  countsOf (keyIds: readonly string[], withLogged: boolean): DayCount[] {
    const accepted = this.usedOf(keyIds).map((access) => {
      return { keyId: access.user.keyId, day: this.#day, outcome: 'accepted', count: access.accepted + (withLogged ? access.logged : 0) }
    })
    return [...accepted.filter(({ count }) => count > 0), ...this.#counts.of(keyIds), ...withLogged ? this.#logged.of(keyIds) : []]
  }

  /** Takes out what entries tell of some keys. */
  takeLogged (keyIds: readonly string[]): Taken {
    const used = this.usedOf(keyIds)
    const logged = used.map((access) => access.logged)
    for (const access of used) access.logged = 0
    return { used, day: this.#day, accepted: [], logged, counts: [], loggedCounts: this.#logged.take(keyIds) }
  }

  /** Takes out what no entry tells of keys that were used, and counts of others. */
  takeUnlogged (used: readonly Access[], keyIds: readonly string[]): Taken {
    const accepted = used.map((access) => access.accepted)
    for (const access of used) {
      access.accepted = 0
      access.isUnlogged = false
    }
    return { used, day: this.#day, accepted, logged: [], counts: this.#counts.take(keyIds), loggedCounts: [] }
  }

  /** Puts back what no entry told and could not be written. */
  restore (taken: Taken): void {
    this.#counts.restore(taken.counts)
    this.#put(taken, 'accepted', taken.accepted, this.#counts)
  }

  /** Keeps what was written into an entry as logged. */
  keepLogged (taken: Taken): void {
    this.#logged.restore(taken.counts)
    this.#put(taken, 'logged', taken.accepted, this.#logged)
  }

  /** In the meantime a day may have ended, and a key may have been read anew or given up. */
  #put ({ used, day }: Taken, field: 'accepted' | 'logged', numbers: readonly number[], tally: Tally): void {
    const isToday = day === this.#day
    used.forEach((access, i) => {
      const number = Number(numbers[i])
      if (number === 0) return
      const present = access.isWaiting ? access : this.waiting.get(access.user.keyId)
      if (isToday && present !== undefined) present[field] += number
      else tally.add(access.user.keyId, day, 'accepted', number)
    })
  }

  /** Lets go of uses that are stored. One that was noted anew in the meantime goes on waiting. */
  settle (used: readonly Access[]): void {
    for (const access of used) if (access.isWaiting && !access.isUnlogged) this.waiting.delete(access)
  }

  /** Forgets what entries tell, which others have counted or will. */
  forgetLogged (): void {
    this.#logged.clear()
    for (const access of this.waiting.values()) access.logged = 0
  }
}
