/** A small chart of accepted uses in the last 30 days: a path for an SVG that is 120 wide and 24 high. */
export interface SparkView {
  readonly total: number
  readonly path: string
  /** What the chart shows, in words. */
  readonly title: string
}

/** One day of a chart. */
export interface ChartDayView {
  /** Such as `2030-01-31`, in UTC. */
  readonly day: string
  readonly text: string
  /** Where its part of the chart begins; it is 10 wide. */
  readonly x: number
  readonly accepted: number
  readonly refused: number
  /** All of it, in words. */
  readonly title: string
}

/** The chart of the last 30 days: paths for an SVG that is 300 wide and 100 high, and the same as figures. */
export interface ChartView {
  readonly title: string
  readonly accepted: number
  readonly refused: number
  readonly acceptedPath: string
  readonly refusedPath: string
  /** The scale, from the top to 0. */
  readonly ticks: readonly string[]
  /** The first and the last day. */
  readonly ends: readonly string[]
  readonly days: readonly ChartDayView[]
  /** Why requests were refused, the most frequent reason first. */
  readonly reasons: readonly { readonly text: string, readonly count: number }[]
}
