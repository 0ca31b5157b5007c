import { setTimeout as sleep } from 'node:timers/promises'

/** How often something is read until nothing was written meanwhile. */
const TRIES = 3

/** Writes one thing after the other, and lets others read what is right only as long as nothing is written. */
export class WriteQueue {
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #begun = 0

  /** Does a step once all that were added before are done, whether they failed or not. */
  add (step: () => Promise<void>): Promise<void> {
    this.#waiting += 1
    const done = this.#last.then(() => {
      this.#begun += 1
      return step()
    })
    const settle = () => { this.#waiting -= 1 }
    this.#last = done.then(settle, settle)
    return done
  }

  /**
   * Reads while nothing is written. No step waits for that: when one begins meanwhile, it is read again.
   *
   * @param read gives null where it is not right
   * @param mend adds a step that sets it right
   * @param patience how long to wait for what is being written, in milliseconds; without it as long as that takes
   * @returns null when there was no such while
   */
  async readBetween<T> (read: () => Promise<T | null>, mend: () => void, patience?: number): Promise<T | null> {
    const late = patience === undefined ? [] : [sleep(patience, true, { ref: false })]
    for (let tries = 0; tries < TRIES; tries++) {
      if (await Promise.race([this.#last, ...late]) === true) return null
      if (this.#waiting > 0) continue
      const begun = this.#begun
      const value = await read()
      if (begun !== this.#begun) continue
      if (value !== null) return value
      mend()
    }
    return null
  }
}
