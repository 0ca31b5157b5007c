import { setImmediate as nextTurn } from 'node:timers/promises'
import { UnavailableError } from '../errors.js'
import type { DayCount } from '../store/bookkeeping.js'
import type { Use } from '../store/store.js'
import { countLine, useLines } from '../store/use-log.js'
import type { Access } from './access.js'
import { inOrder } from './ordering.js'
import type { Saves } from './patience.js'
import type { Taken, Unstored } from './unstored.js'

/** Keys of one entry: to put it together takes a third of a millisecond, for which requests wait. */
const ENTRY = 1000

/** After so many failures in a row, those that are left are tried the next time. */
const MANY_FAILURES = 2

/**
 * Writes the uses and counts of a busy second into a log, from which others store them should this process be killed. To store
 * those of ten thousand keys changes as many rows in nearly as many places; to log them appends ten.
 *
 * Counts are added, so each must be stored once, whoever does it: what is in an entry is stored by applying the entry, which also
 * deletes it, and in no other way.
 */
export class UseLog {
  readonly #store: Saves
  readonly #unstored: Unstored
  /** Keys that were noted since the last writing, each once; some of them may have been logged or stored meanwhile. */
  #noted: Access[] = []
  /** Entries of what is kept in memory as logged. */
  #entries: number[] = []
  /** Entries that are still to be applied, of which memory keeps nothing but their numbers. While there are any, there are none of the others. */
  #due: number[] = []
  /** When entries were made whose numbers nobody knows, should it turn out that only the answer was lost. */
  #lostAt: number | null = null

  constructor (store: Saves, unstored: Unstored) {
    this.#store = store
    this.#unstored = unstored
  }

  /** Whether nothing is left in the log. */
  get isEmpty (): boolean {
    return this.#entries.length + this.#due.length === 0
  }

  /** Whether entries are left that could not be applied. Then nothing is to be logged, since more of them would only wait as well. */
  get isStuck (): boolean {
    return this.#due.length > 0
  }

  /** Whether all entries are there of what memory keeps as logged, of which others may have applied some, and none that could not be applied. */
  async isWhole (): Promise<boolean> {
    if (this.isStuck) return false
    const entries = [...this.#entries]
    return entries.length === 0 || await this.#store.countLogged(entries) === entries.length
  }

  add (access: Access): void {
    access.isUnlogged = true
    if (access.isListed) return
    access.isListed = true
    this.#noted.push(access)
  }

  /** Logs what was noted before the call. What the database does not take goes on being noted. Not to be called while it is stuck. */
  async write (at: number): Promise<void> {
    const keyIds = this.#unstored.countedKeys()
    for (let left = this.#noted.length, from = 0; left > 0 || from < keyIds.length; left -= ENTRY, from += ENTRY) {
      if (from > 0) await nextTurn()
      const listed = this.#noted.splice(0, Math.max(0, Math.min(left, ENTRY)))
      for (const access of listed) access.isListed = false
      await this.#log(this.#unstored.takeUnlogged(listed.filter(({ isUnlogged }) => isUnlogged), keyIds.slice(from, from + ENTRY)), at)
    }
  }

  async #log (taken: Taken, at: number): Promise<void> {
    // All of them may have been carried on by others.
    if (taken.used.length + taken.counts.length === 0) return
    await this.#attempt(taken, async () => {
      const entry = await this.#store.logUses(encode(taken), at)
      this.#entries.push(entry)
    })
    this.#unstored.keepLogged(taken)
  }

  /** Stores all that was noted before the call. Entries that cannot be applied keep back nothing else, and are tried again. */
  async store (at: number): Promise<void> {
    try {
      const batches = this.#entries.length === 0 ? null : await this.#compact(at)
      const failure = await this.#tryToApply(batches ?? [])
      if (batches === null) await inOrder(this.#unstored.keys(), this.#store.batchSize, (keyIds) => this.#save(this.#unstored.takeUnlogged(this.#unstored.usedOf(keyIds), keyIds)))
      if (failure !== null) throw failure
    } finally {
      // What was stored or given up, or was carried on by another object, is not kept alive.
      this.#noted = this.#noted.filter((access) => (access.isListed = access.isUnlogged))
    }
  }

  /** Stores what no entry holds. */
  async #save (taken: Taken): Promise<void> {
    await this.#attempt(taken, async () => {
      if (taken.used.length > 0) await this.#store.saveUses(taken.used.map(toUse))
      const counts = [...taken.counts, ...acceptedOf(taken)]
      if (counts.length > 0) await this.#store.saveUsage(counts)
    })
    this.#unstored.settle(taken.used)
  }

  /** Logs what is not yet, and replaces the entries by fewer. Returns what these hold; null when those that there are have to do. */
  async #compact (at: number): Promise<Taken[] | null> {
    try {
      // First, so that replacing changes only where counts stand: should the answer to that be lost, nothing is counted twice.
      await this.write(at)
      return await this.#replace(at)
    } catch (error) {
      if (error instanceof UnavailableError) throw error
      // Only the log cannot be written any more, as by a role that may not.
      this.#leaveLogged()
      return null
    }
  }

  /** Leaves what entries hold to them: from now on they are only to be applied. */
  #leaveLogged (): void {
    this.#unstored.forgetLogged()
    this.#due.push(...this.#entries)
    this.#entries = []
  }

  /**
   * Replaces the entries of the last seconds by new ones, in which each key is once.
   *
   * @returns what the new ones hold; null when some of the old were gone, since another process took this one for dead. It has counted
   * what they held
   */
  async #replace (at: number): Promise<Taken[] | null> {
    const batches: Taken[] = []
    const texts: string[] = []
    await inOrder(this.#unstored.keys(), this.#store.batchSize, async (keyIds) => {
      const taken = this.#unstored.takeLogged(keyIds)
      batches.push(taken)
      texts.push(encode(taken))
    })
    const entries = await this.#store.replaceLogged(this.#entries, texts, at).catch((error: unknown) => {
      // Or more would be logged with each try, of which memory would keep account without end.
      this.#leaveLogged()
      this.#lostAt = error instanceof UnavailableError ? at : null
      throw error
    })
    if (entries === null) {
      this.#leaveLogged()
      return null
    }
    this.#due = entries
    this.#entries = []
    return batches
  }

  /**
   * Applies the entries that are due, in turns of their own, until two in a row cannot be. One that is gone by now was applied by
   * somebody else, or replaced by others whose numbers were lost with the answer.
   *
   * @param batches what they hold, where that is known
   * @returns what stood in the way first, or null; throws where the database does not answer
   */
  async #tryToApply (batches: readonly Taken[]): Promise<unknown> {
    let failure: unknown = null
    let failures = 0
    for (const [n, entry] of [...this.#due].entries()) {
      if (n > 0) await nextTurn()
      this.#due.shift()
      try {
        if (!await this.#store.applyLogged(entry)) await this.#findLost()
        this.#unstored.settle(batches[n]?.used ?? [])
        failures = 0
      } catch (error) {
        // Last, so that the next time begins with those behind it.
        this.#due.push(entry)
        if (error instanceof UnavailableError) throw error
        failure ??= error
        if (++failures === MANY_FAILURES) break
      }
    }
    if (!this.isStuck) this.#lostAt = null
    return failure
  }

  /** Applies all entries until then, whoever wrote them: those that are lost cannot be told from others, and anybody may apply any. */
  async #findLost (): Promise<void> {
    if (this.#lostAt === null) return
    await this.#store.recoverUses(this.#lostAt + 1)
    this.#lostAt = null
  }

  /** Does what writes something that was taken out, and puts it back when that fails. */
  async #attempt (taken: Taken, write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (error) {
      this.#unstored.restore(taken)
      for (const access of taken.used) if (access.isWaiting) this.add(access)
      throw error
    }
  }
}

/** The text of an entry. */
function encode (taken: Taken): string {
  const { used, accepted, logged, day, counts, loggedCounts } = taken
  return useLines(used.map(toUse), used.map((_, i) => (accepted[i] ?? 0) + (logged[i] ?? 0)), day) +
    counts.map(countLine).join('') + loggedCounts.map(countLine).join('')
}

function acceptedOf ({ used, accepted, day }: Taken): DayCount[] {
  return used.map(({ user: { keyId } }, i) => ({ keyId, day, outcome: 'accepted', count: Number(accepted[i]) })).filter(({ count }) => count > 0)
}

/** What is stored of a key's last use. */
function toUse ({ user: { keyId }, usedAt, loggedIp, previousUsedAt }: Access): Use {
  return { keyId, at: usedAt, ip: loggedIp, previousAt: previousUsedAt || null }
}
