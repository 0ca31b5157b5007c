import type { TimeView, WrittenTime } from './time.js'

/** One value that a change replaced, in words. */
export interface ChangeView {
  readonly name: string
  /** Null when there was none. */
  readonly before: string | null
  readonly after: string
  /** The times within both, to the second. */
  readonly times: readonly WrittenTime[]
}

/** One change of a key or a profile, for `history.html`. */
export interface HistoryEntryView {
  readonly at: TimeView
  /** What was done, in words. */
  readonly action: string
  /** Who did it; null when that was not told. */
  readonly by: string | null
  /** From where; null when that was not told, or is not the viewer's to know. */
  readonly ip: string | null
  /** The key that it is about; null when that is the profile. */
  readonly keyId: string | null
  readonly changes: readonly ChangeView[]
}

/** The changes of a key or a profile, for `history.html`. */
export interface HistoryView {
  readonly entries: readonly HistoryEntryView[]
  /** The page with older ones; null when there are none. */
  readonly older: string | null
}
