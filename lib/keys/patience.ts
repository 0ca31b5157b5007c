import type { Store } from '../store/store.js'

/** How long a database may take nothing until it is no longer waited for, in milliseconds. */
const PATIENCE = 2000

/** The part of a store that takes what was noted. */
export type Saves = Pick<Store, 'saveUses' | 'saveUsage' | 'logUses' | 'replaceLogged' | 'applyLogged' | 'countLogged' | 'recoverUses' | 'batchSize' | 'isOpen'>

/** Passes on what is to be saved, and tells a database that is slow, and is waited for, from one that has gone silent. */
export class PatientSaves implements Saves {
  readonly #store: Saves
  #saved = 0

  constructor (store: Saves) {
    this.#store = store
  }

  get batchSize (): number {
    return this.#store.batchSize
  }

  readonly isOpen: Store['isOpen'] = () => this.#store.isOpen()
  readonly countLogged: Store['countLogged'] = async (entries) => await this.#store.countLogged(entries)
  readonly saveUses: Store['saveUses'] = async (uses) => await this.#count(this.#store.saveUses(uses))
  readonly saveUsage: Store['saveUsage'] = async (counts) => await this.#count(this.#store.saveUsage(counts))
  readonly logUses: Store['logUses'] = async (text, at) => await this.#count(this.#store.logUses(text, at))
  readonly replaceLogged: Store['replaceLogged'] = async (entries, texts, at) => await this.#count(this.#store.replaceLogged(entries, texts, at))
  readonly applyLogged: Store['applyLogged'] = async (entry) => await this.#count(this.#store.applyLogged(entry))
  readonly recoverUses: Store['recoverUses'] = async (before) => await this.#count(this.#store.recoverUses(before))

  /** Waits for work that saves, for as long as a batch is taken at least every two seconds. Never rejects. */
  async settle (work: Promise<void>): Promise<void> {
    const settled = work.then(() => true, () => true)
    for (let before; before !== this.#saved;) {
      before = this.#saved
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<false>((resolve) => { timer = setTimeout(resolve, PATIENCE, false) })
      const isSettled = await Promise.race([settled, late])
      clearTimeout(timer)
      if (isSettled) return
    }
  }

  async #count<T> (saving: Promise<T>): Promise<T> {
    const result = await saving
    this.#saved += 1
    return result
  }
}
