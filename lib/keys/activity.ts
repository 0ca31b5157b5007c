import type { KeyRow, ProfileRow } from '../store/rows.js'
import type { Access } from './access.js'
import { inOrder } from './ordering.js'
import type { Saves } from './patience.js'
import { DAY, dayOf, Tally } from './tally.js'
import { toUse, UseLog } from './use-log.js'
import { Waiting } from './waiting.js'

/** How long a use may wait before it is written, in milliseconds. */
const INTERVAL = 1000

/** What there is much of is stored every tenth time: counts, and uses, which are logged until then. */
const STORE_EVERY = 10

/** The uses and counts of so many keys are stored at once, where other processes look for them. Of more, a log costs a fraction. */
const FEW = 500

/** When so many wait they are stored at once, long before the oldest would have to be given up. */
const MANY = 100_000

/** How long entries in the log are left to whoever wrote them, in milliseconds: several times as long as it takes them. */
const ABANDONED = 60_000

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
  readonly #useLog: UseLog
  readonly #waiting = new Waiting()
  readonly #tally = new Tally()
  /** When the day ends whose uses are counted. */
  #dayEnd = 0
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #failing = false
  #isRecovering = false
  #isClosed = false
  #ticks = 0
  #lost = 0

  constructor (store: Saves, log: ActivityLog, now: () => number) {
    this.#store = store
    this.#log = log
    this.#now = now
    this.#useLog = new UseLog(store)
  }

  /** Stores what processes that were killed had logged. What cannot be stored now will be later. */
  async recover (): Promise<void> {
    await this.#recover(Number.MAX_SAFE_INTEGER).catch((error: unknown) => this.#fail(error))
  }

  /** Not one after the other with what is written here, which must not wait for what may be many minutes of others. */
  async #recover (before: number): Promise<void> {
    if (this.#isRecovering) return
    this.#isRecovering = true
    try {
      await this.#store.recoverUses(before)
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
    this.#tally.add(keyId, dayOf(at), reason, 1)
    this.#wake()
  }

  /** Notes that a key's login ended. Returns whether a login was noted here. */
  logout (keyId: string): boolean {
    const access = this.#waiting.get(keyId)
    if (access === undefined || access.loggedIp === null) return false
    access.loggedIp = null
    // Or the login would come back from the log, were the clock set back before the logout.
    this.#useLog.add(access)
    return true
  }

  /** A stored key with what is noted of it. */
  ofKey<T extends KeyRow> (row: T): T {
    return this.#waiting.ofKey(row)
  }

  /** Stored profiles with what is noted of them. */
  ofProfiles (rows: readonly ProfileRow[]): ProfileRow[] {
    return this.#waiting.ofProfiles(rows)
  }

  /**
   * Writes all that was noted before the call.
   *
   * @throws FST_API_KEY_UNAVAILABLE when the database cannot be written; the uses are kept and tried again
   */
  flush (): Promise<void> {
    return this.#enqueue(() => this.#write(true))
  }

  /** Does one thing after the other. An outage is told when it begins. */
  #enqueue (step: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(step)
    this.#writing = done.catch((error: unknown) => this.#fail(error))
    return done
  }

  #fail (error: unknown): void {
    // What was still being recovered fails with the database that is closed.
    if (!this.#failing && !this.#isClosed) this.#log.writeFailed(error)
    this.#failing = true
  }

  /** Writes what is left and stops. */
  async close (): Promise<void> {
    await this.flush().catch(() => {})
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#isClosed = true
  }

  #await (access: Access): void {
    this.#useLog.add(access)
    if (access.isWaiting) return
    const earlier = this.#waiting.get(access.user.keyId)
    // The key was read anew since its last use was noted, or it is in rotation; the newer object carries on.
    if (earlier !== undefined) {
      this.#done(earlier)
      access.carryOn(earlier)
    } else if (this.#waiting.size >= MAX_WAITING) this.#giveUpOldest()
    this.#waiting.add(access)
    this.#wake()
  }

  #wake (): void {
    this.#timer ??= setTimeout(() => this.#tick(), INTERVAL).unref()
  }

  /** Counts what was accepted until now for the day that is over. */
  #beginDay (at: number): void {
    this.#count(this.#waiting.values())
    this.#dayEnd = (dayOf(at) + 1) * DAY
  }

  #count (used: Iterable<Access>): void {
    const day = dayOf(this.#dayEnd - 1)
    for (const access of used) {
      if (access.accepted > 0) this.#tally.add(access.user.keyId, day, 'accepted', access.accepted)
      access.accepted = 0
    }
  }

  #giveUpOldest (): void {
    const oldest = this.#waiting.oldest()
    if (oldest !== undefined) {
      this.#done(oldest)
      this.#lost += 1
    }
  }

  #done (access: Access): void {
    this.#useLog.remove(access)
    this.#waiting.delete(access)
  }

  #tick (): void {
    // A failure was logged; the uses wait for the next time.
    this.#ticks += 1
    const isTenth = this.#ticks % STORE_EVERY === 0
    const { size } = this.#waiting
    const isStored = isTenth || size <= FEW || size >= MANY
    const withCounts = isTenth || size + this.#tally.size <= FEW
    const written = this.#enqueue(() => isStored ? this.#write(withCounts) : this.#logUses())
    // Its failure is told at the start, and where the database is gone altogether, by what is written here.
    if (isTenth) written.then(() => this.#recover(this.#now() - ABANDONED)).catch(() => {})
    written.catch(() => {}).finally(() => {
      this.#timer = this.#waiting.size + this.#tally.size > 0 ? setTimeout(() => this.#tick(), INTERVAL).unref() : null
    })
  }

  async #logUses (): Promise<void> {
    // Where only the log cannot be written, as by a role that may not, the uses themselves can.
    await this.#useLog.write(this.#now()).catch(() => this.#write(false))
  }

  async #write (withCounts: boolean): Promise<void> {
    const logged = this.#useLog.entries
    // Sorted by what their table is sorted by, so that neighbours are changed together and fewer pages are written.
    await inOrder(this.#waiting.keys(), this.#store.batchSize, (keyIds) => this.#writeUses(keyIds))
    await this.#useLog.drop(logged)
    if (withCounts) await this.#writeCounts()
    // Only now: that something can be logged does not say that it can be stored.
    if (this.#failing) this.#log.writeRecovered(this.#lost)
    this.#failing = false
    this.#lost = 0
  }

  /** Writes the counts. Those of a batch that fails are put back. */
  async #writeCounts (): Promise<void> {
    await inOrder(this.#tally.keys(), this.#store.batchSize, async (keyIds) => {
      const counts = this.#tally.take(keyIds)
      await this.#store.saveUsage(counts).catch((error: unknown) => {
        this.#tally.restore(counts)
        throw error
      })
    })
  }

  /** Writes the uses of some keys. One that was noted anew in the meantime goes on waiting. */
  async #writeUses (keyIds: readonly string[]): Promise<void> {
    // One that was given up in the meantime is not there any more.
    const used = keyIds.map((keyId) => this.#waiting.get(keyId)).filter((access) => access !== undefined)
    this.#count(used)
    const uses = used.map(toUse)
    await this.#store.saveUses(uses)
    used.forEach((access, i) => {
      const isNewest = access.usedAt === uses[i]?.at && access.loggedIp === uses[i]?.ip && access.accepted === 0
      if (isNewest && access.isWaiting) this.#done(access)
    })
  }
}
