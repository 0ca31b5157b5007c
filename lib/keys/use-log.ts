import type { Use } from '../store/store.js'
import type { Access } from './access.js'
import { inBatches } from './ordering.js'
import type { Saves } from './patience.js'

/** Keys of one entry: to put it together takes a third of a millisecond, for which requests wait. */
const ENTRY = 1000

/**
 * Writes the uses of a busy second into a log, from which they are recovered should this process be killed before it stores
 * them. To store those of ten thousand keys changes as many rows in nearly as many places; to log them appends ten.
 */
export class UseLog {
  readonly #store: Pick<Saves, 'logUses' | 'dropLogged'>
  /** Those that were used since they were last logged. Some may have been stored since. */
  #noted: Access[] = []
  /** What was logged and not yet dropped. */
  #entries: number[] = []

  constructor (store: Pick<Saves, 'logUses' | 'dropLogged'>) {
    this.#store = store
  }

  add (access: Access): void {
    access.isUnlogged = true
    this.#noted.push(access)
  }

  /** Logs what was noted. What the database does not take is noted again. */
  async write (at: number): Promise<void> {
    const noted = this.#noted
    this.#noted = []
    let done = 0
    try {
      await inBatches(noted, ENTRY, async (batch) => {
        await this.#log(batch.filter(({ isUnlogged }) => isUnlogged), at)
        done += batch.length
      })
    } finally {
      this.#noted = this.#noted.concat(noted.slice(done).filter(({ isUnlogged }) => isUnlogged))
    }
  }

  /** What has been logged so far, for `drop` once it is stored. */
  get entries (): readonly number[] {
    return this.#entries
  }

  /** Deletes entries whose uses are stored, and forgets what was stored without having been logged. */
  async drop (entries: readonly number[]): Promise<void> {
    this.#noted = this.#noted.filter(({ isUnlogged }) => isUnlogged)
    if (entries.length === 0) return
    await this.#store.dropLogged(entries)
    const dropped = new Set(entries)
    this.#entries = this.#entries.filter((entry) => !dropped.has(entry))
  }

  async #log (batch: readonly Access[], at: number): Promise<void> {
    for (const access of batch) access.isUnlogged = false
    try {
      if (batch.length > 0) this.#entries = [...this.#entries, await this.#store.logUses(batch.map(toUse), at)]
    } catch (error) {
      for (const access of batch) access.isUnlogged = access.isWaiting
      throw error
    }
  }
}

/** What is stored of a key's last use. */
export function toUse ({ user: { keyId }, usedAt, loggedIp, previousUsedAt }: Access): Use {
  return { keyId, at: usedAt, ip: loggedIp, previousAt: previousUsedAt || null }
}
