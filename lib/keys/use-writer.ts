import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../errors.js'
import type { Saves } from './patience.js'
import type { Unstored } from './unstored.js'
import type { UseLog } from './use-log.js'
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

/** What becomes of failures to write; each outage is told once. */
export interface ActivityLog {
  writeFailed (error: unknown): void
  writeRecovered (lostUses: number): void
}

/** Writes what is noted, at most once a second and one thing after the other, and recovers what others have left. */
export class UseWriter {
  readonly queue = new WriteQueue()
  /** How many uses were given up since all could be written. */
  lost = 0
  readonly #store: Saves
  readonly #unstored: Unstored
  readonly #useLog: UseLog
  readonly #log: ActivityLog
  readonly #now: () => number
  #timer: NodeJS.Timeout | null = null
  #failing = false
  #isRecovering = false
  /** Whether the last try to recover failed, which is told once. */
  #hasNotRecovered = false
  #isClosed = false
  #ticks = 0

  constructor (store: Saves, unstored: Unstored, useLog: UseLog, log: ActivityLog, now: () => number) {
    this.#store = store
    this.#unstored = unstored
    this.#useLog = useLog
    this.#log = log
    this.#now = now
  }

  /** Writes within a second, as long as it is not closed: what a request that was still under way notes then has nobody any more who would store it. */
  wake (): void {
    if (!this.#isClosed) this.#timer ??= setTimeout(() => this.#tick(), INTERVAL).unref()
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
    const done = this.queue.add(step)
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
    while (!await this.#hasFlushed() && this.#store.isOpen() && performance.now() < end) await sleep(PAUSE)
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#isClosed = true
  }

  /** Whether all is written, or what is left cannot be, however often it is tried. */
  async #hasFlushed (): Promise<boolean> {
    return await this.flush().then(() => true, (error: unknown) => !(error instanceof UnavailableError))
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
    if (this.#failing) this.#log.writeRecovered(this.lost)
    this.#failing = false
    this.lost = 0
  }
}
