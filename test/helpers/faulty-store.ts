import { setImmediate as nextTurn } from 'node:timers/promises'
import { UnavailableError } from '../../lib/errors.js'
import type { Saves } from '../../lib/keys/patience.js'
import type { Store } from '../../lib/store/store.js'

/** A real store whose verbs take a while, fail when the test says so, and in the middle of which something else can happen. */
export class FaultyStore {
  /** How many verbs from now on fail, and do nothing. */
  failures = 0
  /** Whether the answer of the database to the next entry that is applied, or replaced, does not arrive. */
  isLost = false
  /** What happens in the middle of verbs that do something: the first in the next of them, and so on. */
  meanwhile: (() => Promise<void>)[] = []
  readonly saves: Saves
  readonly readUsage: Store['readUsage']

  constructor (store: Store, batchSize: number) {
    this.saves = {
      batchSize,
      saveUses: this.#verb(store.saveUses),
      saveUsage: this.#verb(store.saveUsage),
      logUses: this.#verb(store.logUses),
      replaceLogged: this.#losing(store.replaceLogged),
      applyLogged: this.#losing(store.applyLogged),
      countLogged: this.#verb(store.countLogged),
      recoverUses: store.recoverUses,
      isOpen: store.isOpen
    }
    this.readUsage = this.#verb(store.readUsage)
  }

  /** From now on nothing fails, and nothing else happens. */
  mend (): void {
    this.failures = 0
    this.isLost = false
    this.meanwhile = []
  }

  #verb<A extends unknown[], R> (write: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      await nextTurn()
      if (this.failures > 0) {
        this.failures -= 1
        throw new UnavailableError()
      }
      const result = await write(...args)
      await this.meanwhile.shift()?.()
      await nextTurn()
      return result
    }
  }

  #losing<A extends unknown[], R> (write: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return this.#verb(async (...args: A) => {
      const result = await write(...args)
      if (!this.isLost) return result
      this.isLost = false
      throw new UnavailableError()
    })
  }
}
