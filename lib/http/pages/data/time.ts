/** A point in time, for a `<time>` element. */
export interface TimeView {
  /** ISO 8601, for the attribute `datetime`. */
  readonly iso: string
  /** Short, such as `5 minutes ago` or `3 Nov 2025`. */
  readonly text: string
  /** Whether the text is a date in UTC, which the script writes anew in the reader's zone. */
  readonly isDate: boolean
  /** To the second, in UTC, such as `3 Nov 2025, 14:05:09 UTC`. */
  readonly exact: string
}

/** A time that is written within a text, by which the script finds it to write it in the reader's zone. */
export interface WrittenTime {
  /** ISO 8601. */
  readonly iso: string
  /** As it is in the text: a day, or to the second. */
  readonly text: string
}
