/** How long refusals are counted together, in milliseconds. */
const INTERVAL = 60_000

/** How many refusals in an interval are logged one by one. */
const MAX_SINGLE = 10

/** A refusal as it is logged. */
export interface LoggedRefusal {
  /** The code of the error. */
  readonly reason: string
  /** Null when no key was found. */
  readonly keyId: string | null
  /** The caller's address; null when it is unknown or not to be kept. */
  readonly ip: string | null
}

/** Where refusals are logged. */
export interface RefusalLog {
  refused (refusal: LoggedRefusal): void
  /** So many more refusals, by reason, in the last so many milliseconds. */
  refusedMore (reasons: Readonly<Record<string, number>>, interval: number): void
}

/**
 * Logs refusals such that a flood of them does not fill the disk: the first of an interval one by one, all others as one
 * line at its end.
 */
export class Refusals {
  readonly #log: RefusalLog
  readonly #more = new Map<string, number>()
  #single = 0
  #timer: NodeJS.Timeout | null = null

  constructor (log: RefusalLog) {
    this.#log = log
  }

  note (refusal: LoggedRefusal): void {
    this.#timer ??= setTimeout(() => this.flush(), INTERVAL).unref()
    if (this.#single < MAX_SINGLE) {
      this.#single += 1
      this.#log.refused(refusal)
    } else {
      this.#more.set(refusal.reason, (this.#more.get(refusal.reason) ?? 0) + 1)
    }
  }

  /** Logs what was only counted, and begins anew. */
  flush (): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#single = 0
    if (this.#more.size > 0) this.#log.refusedMore(Object.fromEntries(this.#more), INTERVAL)
    this.#more.clear()
  }
}
