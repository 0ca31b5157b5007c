/*
 * What the domain asks of a database about who did what with keys, and how often: quotas, use by day, history.
 */

/** A use that was counted against a quota, or the reason why it was not. */
export interface QuotaCount {
  /** Whether there was a use left, which is now taken. */
  readonly isTaken: boolean
  /** Uses taken in the current period, this one included. */
  readonly used: number
  /** When the current period began. */
  readonly since: number
}

/**
 * How far the clocks of processes may be apart, or what they ask for may overtake each other, in milliseconds. A period that
 * begins later than that from now was begun by a clock that was ahead and has been set back.
 */
export const CLOCKS_APART = 60_000

/** How many uses of a key there may be: in total, or in each period of `every` milliseconds. */
export interface Quota {
  readonly max: number
  readonly every: number | null
}

/** So many uses or refusals of a key on one day. */
export interface DayCount {
  readonly keyId: string
  /** Days since the epoch, in UTC. */
  readonly day: number
  /** `accepted`, or the code of the error. */
  readonly outcome: string
  readonly count: number
}

/** Who makes a change, from where and when. */
export interface Author {
  readonly actor: string | null
  readonly ip: string | null
  readonly at: number
}

/** What changed, by name: a list of what was before and what is after. */
export type Changes = Readonly<Record<string, unknown>>

/** A change that is to be remembered. */
export interface HistoryDraft {
  /** Null when it is about the profile. */
  readonly keyId: string | null
  readonly profileId: number
  readonly userId: string
  readonly action: string
  /** Null where nothing was before, or nothing is after. */
  readonly changes: Changes | null
}

/** A change as remembered. */
export interface HistoryRow extends HistoryDraft, Author {
  readonly id: number
}

/** Which changes are asked for: those of a key, of a user, or all. */
export interface HistoryFilter {
  readonly keyId?: string
  readonly userId?: string
  /** Only those before the one with this id. */
  readonly before?: number
  readonly limit: number
}

export interface BookkeepingStore {
  /**
   * Counts one use of a key if its quota has one left, as one guarded statement, so that no two callers get the same one.
   * Periods follow each other without a gap from the first use on. One that begins more than `CLOCKS_APART` after now is none
   * of the present, and another begins. Null when there is no such key. On the path of requests, hence synchronous where the
   * engine is.
   */
  takeQuota (keyId: string, quota: Quota, at: number): QuotaCount | null | Promise<QuotaCount | null>

  /** Adds counts to those that are stored, in one batch, in which a key, day and outcome may come more than once. Of keys that are gone nothing is kept. */
  saveUsage (counts: readonly DayCount[]): Promise<void>
  /** The counts of keys from one day to another, both included, in the order of days. */
  readUsage (keyIds: readonly string[], from: number, to: number): Promise<DayCount[]>

  /** Changes that are remembered, newest first. */
  listHistory (filter: HistoryFilter): Promise<HistoryRow[]>
}
