import type { TimeView } from './time.js'

/** What limits a key. */
export interface LimitsView {
  /** Null for no limit. */
  readonly rate: RateView | null
  /** Null for no quota. */
  readonly quota: QuotaView | null
}

/** How many requests a key has in each window of time, and has left of them. */
export interface RateView {
  readonly max: number
  /** The length of a window, in words. */
  readonly window: string
  /** How many are left in the present window; null when that cannot be told. */
  readonly left: number | null
  /** When the present window is over; null when no request has begun one, or when that cannot be told. */
  readonly resets: TimeView | null
  /** What is used, of 100; null when that cannot be told. */
  readonly width: number | null
}

/** How many uses a key has, and has left. */
export interface QuotaView {
  readonly max: number
  readonly used: number
  readonly left: number
  /** The length of a period, in words; null when it is for good. */
  readonly every: string | null
  /** When the next period begins; null when there is none, or when no use has begun the first. */
  readonly resets: TimeView | null
  /** What is used, of 100. */
  readonly width: number
}
