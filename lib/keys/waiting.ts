import type { KeyRow, ProfileRow } from '../store/rows.js'
import type { Access } from './access.js'

/**
 * Keys whose last use waits to be stored, by their ids. It is laid over what is read, so that the delay does not show within
 * this process.
 */
export class Waiting {
  readonly #entries = new Map<string, Access>()

  get size (): number {
    return this.#entries.size
  }

  get (keyId: string): Access | undefined {
    return this.#entries.get(keyId)
  }

  keys (): string[] {
    return [...this.#entries.keys()]
  }

  values (): Iterable<Access> {
    return this.#entries.values()
  }

  /** The one that has waited longest: a map keeps the order of insertion. */
  oldest (): Access | undefined {
    const [oldest] = this.#entries.values()
    return oldest
  }

  add (access: Access): void {
    access.isWaiting = true
    this.#entries.set(access.user.keyId, access)
  }

  delete (access: Access): void {
    access.isWaiting = false
    this.#entries.delete(access.user.keyId)
  }

  /** A stored key with what is noted of it. */
  ofKey<T extends KeyRow> (row: T): T {
    const access = this.#entries.get(row.id)
    if (access === undefined || access.usedAt < (row.lastUsedAt ?? 0)) return row
    return { ...row, lastUsedAt: access.usedAt, loggedIp: access.loggedIp, previousUsedAt: access.previousUsedAt || null }
  }

  /** Stored profiles with what is noted of them. */
  ofProfiles (rows: readonly ProfileRow[]): ProfileRow[] {
    const newest = new Map(rows.map(({ id }) => [id, 0]))
    for (const { user: { profileId }, usedAt } of this.#entries.values()) {
      const earlier = newest.get(profileId)
      if (earlier !== undefined && earlier < usedAt) newest.set(profileId, usedAt)
    }
    return rows.map((row) => {
      const at = newest.get(row.id) as number
      return at <= (row.lastAccessAt ?? 0) ? row : { ...row, lastAccessAt: at }
    })
  }
}
