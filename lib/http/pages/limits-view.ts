import type { RateRecord } from '../../keys/rate.js'
import type { KeyRecord } from '../../keys/records.js'
import type { LimitsView } from './data/limits.js'
import type { Language } from './language.js'

/** What limits a key, and how much of that is left. */
export function toLimitsView ({ quota }: KeyRecord, rate: RateRecord | null, now: number, language: Language): LimitsView {
  const { duration } = language
  return {
    rate: rate === null
      ? null
      : {
          max: rate.max,
          window: duration(rate.timeWindow),
          left: rate.remaining,
          resets: rate.resetsAt === null ? null : language.due(rate.resetsAt, now),
          width: rate.remaining === null ? null : toWidth(rate.max - rate.remaining, rate.max)
        },
    quota: quota === null
      ? null
      : {
          max: quota.max,
          used: quota.used,
          left: Math.max(0, quota.max - quota.used),
          every: quota.every === null ? null : duration(quota.every),
          resets: quota.resetsAt === null ? null : language.due(quota.resetsAt, now),
          width: toWidth(quota.used, quota.max)
        }
  }
}

/** How much is used, of a bar that is 100 wide. */
function toWidth (used: number, max: number): number {
  return Math.min(100, used / max * 100)
}
