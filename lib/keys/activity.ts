import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../errors.js'
import type { DayCount } from '../store/bookkeeping.js'
import type { KeyRow, ProfileRow } from '../store/rows.js'
import type { Access } from './access.js'
import type { Saves } from './patience.js'
import { DAY, dayOf } from './tally.js'
import { Unstored } from './unstored.js'
import { UseLog } from './use-log.js'
import { WriteQueue } from './write-queue.js'

/** How long a use may wait before it is written, in milliseconds. */
const INTERVAL = 1000

/** How long nothing is written after what took longer than that, in milliseconds. */
const REST = 100

/** What there is much of is stored every tenth time, and logged until then. */
const STORE_EVERY = 10

/** So many uses and counts are stored at once, where other processes look for them. Of more, a log costs a fraction. */
const FEW = 500

/** When so many wait they are stored at once, long before the oldest would have to be given up. */
const MANY = 100_000

/** How long entries in the log are left to whoever wrote them, in milliseconds: several times as long as it takes them. */
const ABANDONED = 60_000

/** How long at most it is tried to write what is left at shutdown, and the pause between two tries, in milliseconds. */
const CLOSING = 2000
const PAUSE = 50

/** How many keys' uses are kept while the database cannot be written; beyond that the oldest are given up. */
const MAX_WAITING = 200_000

/** What becomes of failures to write; each outage is told once. */
export interface ActivityLog {
  writeFailed (error: unknown): void
  writeRecovered (lostUses: number): void
}

/**
 * Notes the uses of keys in memory, and writes them in batches at most once a second, so that no request waits for a
 * write. What is not yet written is laid over what is read, so that the delay does not show within this process.
 */
export class Activity {
  readonly #store: Saves
  readonly #log: ActivityLog
  readonly #now: () => number
  readonly #unstored = new Unstored()
  readonly #useLog: UseLog
  readonly #queue = new WriteQueue()
  /** When the day ends whose uses are counted. */
  #dayEnd = 0
  #timer: NodeJS.Timeout | null = null
  #failing = false
  #isRecovering = false
  /** Whether the last try to recover failed, which is told once. */
  #hasNotRecovered = false
  #isClosed = false
  #ticks = 0
  #lost = 0

  constructor (store: Saves, log: ActivityLog, now: () => number) {
    this.#store = store
    this.#log = log
    this.#now = now
    this.#useLog = new UseLog(store, this.#unstored)
  }

  /** Stores what processes that were killed had logged. What cannot be stored now will be later. */
  async recover (): Promise<void> {
    await this.#recover(Number.MAX_SAFE_INTEGER)
  }

  /** Not one after the other with what is written here, which must not wait for what may be many minutes of others. */
  async #recover (before: number): Promise<void> {
    if (this.#isRecovering) return
    this.#isRecovering = true
    try {
      await this.#store.recoverUses(before)
      this.#hasNotRecovered = false
    } catch (error) {
      // What was still being recovered fails with the database that is closed.
      if (!this.#hasNotRecovered && !this.#isClosed) this.#log.writeFailed(error)
      this.#hasNotRecovered = true
    } finally {
      this.#isRecovering = false
    }
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
    this.#wake()
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
    return await this.#queue.readBetween(readBoth, mend, patience)
  }

  /** The same at once, whatever is being written. Of that some may be missing, as of what others may have stored. Nothing is counted twice. */
  async countedAtLeast (keyIds: readonly string[], first: number, last: number, read: () => Promise<DayCount[]>): Promise<DayCount[]> {
    const stored = await read()
    return [...stored, ...this.#countsOf(keyIds, first, last, await this.#useLog.isWhole())]
  }

  #countsOf (keyIds: readonly string[], first: number, last: number, withLogged: boolean): DayCount[] {
    return this.#unstored.countsOf(keyIds, withLogged).filter(({ day }) => day >= first && day <= last)
  }

  /**
   * Writes all that was noted before the call.
   *
   * @throws FST_API_KEY_UNAVAILABLE when the database cannot be written; the uses are kept and tried again
   */
  flush (): Promise<void> {
    return this.#enqueue(() => this.#write())
  }

  /** Does one thing after the other. An outage is told when it begins. */
  #enqueue (step: () => Promise<void>): Promise<void> {
    const done = this.#queue.add(step)
    done.catch((error: unknown) => this.#fail(error))
    return done
  }

  #fail (error: unknown): void {
    if (!this.#failing) this.#log.writeFailed(error)
    this.#failing = true
  }

  /** Writes what is left, if need be with several tries, and stops. */
  async close (): Promise<void> {
    const end = performance.now() + CLOSING
    while (!await this.#hasFlushed() && performance.now() < end) await sleep(PAUSE)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#isClosed = true
  }

  /** Whether all is written, or what is left cannot be, however often it is tried. */
  async #hasFlushed (): Promise<boolean> {
    return await this.flush().then(() => true, (error: unknown) => !(error instanceof UnavailableError))
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
    this.#wake()
  }

  #wake (): void {
    // What a request that was still under way notes now has nobody any more who would store it.
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#tick(), INTERVAL).unref()
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
      this.#lost += 1
    }
  }

  #tick (): void {
    // A failure was logged; the uses wait for the next time.
    this.#ticks += 1
    const begun = performance.now()
    const isTenth = this.#ticks % STORE_EVERY === 0
    const { size } = this.#unstored
    const isStored = isTenth || size <= FEW || size >= MANY
    const written = this.#enqueue(() => isStored || this.#useLog.isStuck ? this.#write() : this.#logUses())
    if (isTenth) written.then(() => this.#recover(this.#now() - ABANDONED)).catch(() => {})
    written.catch(() => {}).finally(() => {
      const isOver = this.#isClosed || (this.#unstored.size === 0 && this.#useLog.isEmpty)
      // From one beginning to the next, or more than a second's uses would be lost with the process.
      this.#timer = isOver ? null : setTimeout(() => this.#tick(), Math.max(REST, INTERVAL - (performance.now() - begun))).unref()
    })
  }

  async #logUses (): Promise<void> {
    // Where only the log cannot be written, as by a role that may not, all can be stored.
    await this.#useLog.write(this.#now()).catch(() => this.#write())
  }

  async #write (): Promise<void> {
    await this.#useLog.store(this.#now())
    // Only now: that something can be logged does not say that it can be stored.
    if (this.#failing) this.#log.writeRecovered(this.#lost)
    this.#failing = false
    this.#lost = 0
  }
}
