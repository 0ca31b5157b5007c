const FREE = 0
const TAKEN = 1
const STOPPED = 2

/** How long to wait for a step of a thread, in milliseconds. One takes some milliseconds. */
const PATIENCE = 1000

/**
 * Keeps a thread from being ended in the middle of a step. A statement that fails there would make an error in a thread that can make nothing
 * any more, which ends the whole process.
 */
export class StepLock {
  readonly shared: SharedArrayBuffer
  readonly #state: Int32Array

  /** @param shared with the other thread */
  constructor (shared: SharedArrayBuffer) {
    this.shared = shared
    this.#state = new Int32Array(shared)
  }

  /** A lock that is free. */
  static create (): StepLock {
    return new StepLock(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  }

  /** Begins a step of the thread. False when there must be no more. */
  enter (): boolean {
    return Atomics.compareExchange(this.#state, 0, FREE, TAKEN) === FREE
  }

  /** Ends a step of the thread. */
  leave (): void {
    Atomics.compareExchange(this.#state, 0, TAKEN, FREE)
    Atomics.notify(this.#state, 0)
  }

  /** Waits for a step that has begun, though not for ever, and lets none begin any more. */
  stop (): void {
    while (Atomics.compareExchange(this.#state, 0, FREE, STOPPED) === TAKEN) {
      if (Atomics.wait(this.#state, 0, TAKEN, PATIENCE) === 'timed-out') Atomics.store(this.#state, 0, STOPPED)
    }
  }
}
