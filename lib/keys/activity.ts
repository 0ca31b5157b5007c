import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AccessRow, KeyRow, ProfileRow, Store, Use } from '../store/store.js'

/** How long a use may wait before it is written, in milliseconds. */
const INTERVAL = 1000

/** Uses in one transaction: few enough that writing them holds up no request for long. */
const BATCH = 250

/** How many keys' uses are kept while the database cannot be written; beyond that the oldest are given up. */
const MAX_PENDING = 200_000

/** A use that is noted and maybe not yet written. */
export interface NotedUse extends Use {
  at: number
  ip: string | null
  /** Whether it still waits to be written. */
  waiting: boolean
}

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
  readonly #store: Pick<Store, 'saveUses'>
  readonly #log: ActivityLog
  readonly #waiting = new Map<string, NotedUse>()
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()
  #failing = false
  #lost = 0

  constructor (store: Pick<Store, 'saveUses'>, log: ActivityLog) {
    this.#store = store
    this.#log = log
  }

  /**
   * Notes a use.
   *
   * @param last what this returned for the same key before, which saves looking it up
   */
  note (key: AccessRow, at: number, ip: string | null, last: NotedUse | null): NotedUse {
    const use = last !== null && last.waiting ? last : this.#waitingUse(key, at, ip)
    if (at >= use.at) {
      use.at = at
      use.ip = ip
    }
    return use
  }

  /** Notes that a key's login ended. Returns whether a login was noted here. */
  logout (keyId: string): boolean {
    const use = this.#waiting.get(keyId)
    if (use === undefined || use.ip === null) return false
    use.ip = null
    return true
  }

  /** A stored key with what is noted of it. */
  ofKey<T extends KeyRow> (row: T): T {
    const use = this.#waiting.get(row.id)
    return use === undefined || use.at < (row.lastUsedAt ?? 0) ? row : { ...row, lastUsedAt: use.at, loggedIp: use.ip }
  }

  /** Stored profiles with what is noted of them. */
  ofProfiles (rows: readonly ProfileRow[]): ProfileRow[] {
    const newest = new Map<number, number>()
    for (const { profileId, at } of this.#waiting.values()) newest.set(profileId, Math.max(at, newest.get(profileId) ?? 0))
    return rows.map((row) => {
      const at = newest.get(row.id)
      return at === undefined || at < (row.lastAccessAt ?? 0) ? row : { ...row, lastAccessAt: at }
    })
  }

  /**
   * Writes all that was noted before the call.
   *
   * @throws FST_API_KEY_UNAVAILABLE when the database cannot be written; the uses are kept and tried again
   */
  flush (): Promise<void> {
    const done = this.#writing.then(() => this.#write())
    this.#writing = done.catch(() => {})
    return done
  }

  /** Writes what is left and stops. */
  async close (): Promise<void> {
    await this.flush().catch(() => {})
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #waitingUse (key: AccessRow, at: number, ip: string | null): NotedUse {
    const waiting = this.#waiting.get(key.id)
    if (waiting !== undefined) return waiting
    if (this.#waiting.size >= MAX_PENDING) this.#giveUpOldest()
    const use: NotedUse = { keyId: key.id, profileId: key.profileId, at, ip, waiting: true }
    this.#waiting.set(key.id, use)
    this.#timer ??= setTimeout(() => this.#tick(), INTERVAL).unref()
    return use
  }

  #giveUpOldest (): void {
    // A map keeps the order of insertion, so its first entry has waited longest.
    const [oldest] = this.#waiting.values()
    if (oldest !== undefined) {
      this.#waiting.delete(oldest.keyId)
      oldest.waiting = false
      this.#lost += 1
    }
  }

  #tick (): void {
    // A failure was logged; the uses wait for the next time.
    this.flush().catch(() => {}).finally(() => {
      this.#timer = this.#waiting.size > 0 ? setTimeout(() => this.#tick(), INTERVAL).unref() : null
    })
  }

  async #write (): Promise<void> {
    const uses = [...this.#waiting.values()]
    try {
      for (let i = 0; i < uses.length; i += BATCH) {
        if (i > 0) await nextTurn()
        await this.#writeBatch(uses.slice(i, i + BATCH))
      }
    } catch (error) {
      if (!this.#failing) this.#log.writeFailed(error)
      this.#failing = true
      throw error
    }
    if (this.#failing) this.#log.writeRecovered(this.#lost)
    this.#failing = false
    this.#lost = 0
  }

  /** Writes some uses. One that was noted anew in the meantime goes on waiting. */
  async #writeBatch (uses: readonly NotedUse[]): Promise<void> {
    const written = uses.map(({ keyId, profileId, at, ip }) => ({ keyId, profileId, at, ip }))
    await this.#store.saveUses(written)
    uses.forEach((use, i) => {
      if (use.at !== written[i]?.at || use.ip !== written[i]?.ip) return
      use.waiting = false
      this.#waiting.delete(use.keyId)
    })
  }
}
