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
  /** Those that were used since they were last logged or stored: exactly those that are unlogged, so that nothing else is kept alive, and nothing twice. */
  readonly #noted = new Set<Access>()
  /** What was logged and not yet dropped. */
  #entries: number[] = []

  constructor (store: Pick<Saves, 'logUses' | 'dropLogged'>) {
    this.#store = store
  }

  add (access: Access): void {
    access.isUnlogged = true
    this.#noted.add(access)
  }

  /** Forgets a use that was stored or given up, or that another object carries on. */
  remove (access: Access): void {
    if (!access.isUnlogged) return
    access.isUnlogged = false
    this.#noted.delete(access)
  }

  /** Logs what was noted before the call. What the database does not take goes on being noted. */
  async write (at: number): Promise<void> {
    await inBatches([...this.#noted], ENTRY, (batch) => this.#log(batch.filter(({ isUnlogged }) => isUnlogged), at))
  }

  /** What has been logged so far, for `drop` once it is stored. */
  get entries (): readonly number[] {
    return this.#entries
  }

  /** Deletes entries whose uses are stored. */
  async drop (entries: readonly number[]): Promise<void> {
    if (entries.length === 0) return
    await this.#store.dropLogged(entries)
    const dropped = new Set(entries)
    this.#entries = this.#entries.filter((entry) => !dropped.has(entry))
  }

  async #log (batch: readonly Access[], at: number): Promise<void> {
    for (const access of batch) this.remove(access)
    try {
      if (batch.length > 0) this.#entries = [...this.#entries, await this.#store.logUses(batch.map(toUse), at)]
    } catch (error) {
      for (const access of batch) if (access.isWaiting) this.add(access)
      throw error
    }
  }
}

/** What is stored of a key's last use. */
export function toUse ({ user: { keyId }, usedAt, loggedIp, previousUsedAt }: Access): Use {
  return { keyId, at: usedAt, ip: loggedIp, previousAt: previousUsedAt || null }
}
