import type { DayCount } from '../store/bookkeeping.js'
import type { KeyRow, ProfileRow } from '../store/rows.js'
import type { Access } from './access.js'
import type { Saves } from './patience.js'
import { DAY, dayOf } from './tally.js'
import { Unstored } from './unstored.js'
import { UseLog } from './use-log.js'
import { UseWriter, type ActivityLog } from './use-writer.js'

/** How many keys' uses are kept while the database cannot be written; beyond that the oldest are given up. */
const MAX_WAITING = 200_000

/**
 * Notes the uses of keys in memory, and writes them in batches at most once a second, so that no request waits for a
 * write. What is not yet written is laid over what is read, so that the delay does not show within this process.
 */
export class Activity {
  readonly #unstored = new Unstored()
  readonly #useLog: UseLog
  readonly #writer: UseWriter
  /** When the day ends whose uses are counted. */
  #dayEnd = 0

  constructor (store: Saves, log: ActivityLog, now: () => number) {
    this.#useLog = new UseLog(store, this.#unstored)
    this.#writer = new UseWriter(store, this.#unstored, this.#useLog, log, now)
  }

  /** Stores what processes that were killed had logged. What cannot be stored now will be later. */
  async recover (): Promise<void> {
    await this.#writer.recover()
  }

  /**
   * Writes all that was noted before the call.
   *
   * @throws FST_API_KEY_UNAVAILABLE when the database cannot be written; the uses are kept and tried again
   */
  async flush (): Promise<void> {
    await this.#writer.flush()
  }

  /** Writes what is left, if need be with several tries, and stops. */
  async close (): Promise<void> {
    await this.#writer.close()
  }

  /** Notes a use. Times only move forward. */
  note (access: Access, at: number, ip: string | null): void {
    // A clock that was ahead and is set back is in another day as well.
    if (at >= this.#dayEnd || at < this.#dayEnd - DAY) this.#beginDay(at)
    access.accepted += 1
    if (at >= access.usedAt) {
      access.usedAt = at
      // To write what is there already would cost the garbage collector something.
      if (access.loggedIp !== ip) access.loggedIp = ip
    }
    if (access.isPrevious && at >= access.previousUsedAt) access.previousUsedAt = at
    if (!access.isUnlogged) this.#await(access)
  }

  /** Counts a refusal of a key. */
  refuse (keyId: string, at: number, reason: string): void {
    this.#unstored.refuse(keyId, at, reason)
    this.#writer.wake()
  }

  /** Notes that a key's login ended. Returns whether a login was noted here. */
  logout (keyId: string): boolean {
    const access = this.#unstored.waiting.get(keyId)
    if (access === undefined || access.loggedIp === null) return false
    access.loggedIp = null
    // Or the login would come back from the log, were the clock set back before the logout.
    this.#useLog.add(access)
    return true
  }

  /** A stored key with what is noted of it. */
  ofKey<T extends KeyRow> (row: T): T {
    return this.#unstored.waiting.ofKey(row)
  }

  /** Stored profiles with what is noted of them. */
  ofProfiles (rows: readonly ProfileRow[]): ProfileRow[] {
    return this.#unstored.waiting.ofProfiles(rows)
  }

  /**
   * Reads stored counts, and gives with them what is counted in memory of the same keys and days.
   *
   * @param patience how long at most to wait for what is being written, in milliseconds; without it as long as that takes
   * @returns null when something is in both or in neither: it is still being written, or cannot be applied
   */
  async counted (keyIds: readonly string[], first: number, last: number, read: () => Promise<DayCount[]>, patience?: number): Promise<DayCount[] | null> {
    if (this.#useLog.isStuck) return null
    const readBoth = async () => {
      const stored = await read()
      return await this.#useLog.isWhole() ? [...stored, ...this.#countsOf(keyIds, first, last, true)] : null
    }
    // Another process has stored what is in memory as logged. To store the rest finds that out too.
    const mend = () => { this.flush().catch(() => {}) }
    return await this.#writer.queue.readBetween(readBoth, mend, patience)
  }

  /** The same at once, whatever is being written. Of that some may be missing, as of what others may have stored. Nothing is counted twice. */
  async countedAtLeast (keyIds: readonly string[], first: number, last: number, read: () => Promise<DayCount[]>): Promise<DayCount[]> {
    const stored = await read()
    return [...stored, ...this.#countsOf(keyIds, first, last, await this.#useLog.isWhole())]
  }

  #countsOf (keyIds: readonly string[], first: number, last: number, withLogged: boolean): DayCount[] {
    return this.#unstored.countsOf(keyIds, withLogged).filter(({ day }) => day >= first && day <= last)
  }

  #await (access: Access): void {
    this.#useLog.add(access)
    if (access.isWaiting) return
    const earlier = this.#unstored.waiting.get(access.user.keyId)
    // The key was read anew since its last use was noted, or it is in rotation; the newer object carries on.
    if (earlier !== undefined) {
      earlier.isUnlogged = false
      this.#unstored.waiting.delete(earlier)
      access.carryOn(earlier)
    } else if (this.#unstored.waiting.size >= MAX_WAITING) this.#giveUpOldest()
    this.#unstored.waiting.add(access)
    this.#writer.wake()
  }

  /** Counts what was accepted until now for the day that is over. */
  #beginDay (at: number): void {
    const day = dayOf(at)
    this.#unstored.beginDay(day)
    this.#dayEnd = (day + 1) * DAY
  }

  #giveUpOldest (): void {
    const oldest = this.#unstored.waiting.oldest()
    if (oldest !== undefined) {
      oldest.isUnlogged = false
      this.#unstored.giveUp(oldest)
      this.#writer.lost += 1
    }
  }
}
