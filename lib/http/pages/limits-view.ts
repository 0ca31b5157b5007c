import type { ProfileRecord } from '../../keys/profile-records.js'
import type { KeyRecord } from '../../keys/records.js'
import type { LimitsView } from './data.js'
import type { Language } from './language.js'

/** What limits a key, and how much of that is left. Its own rate limit wins over what holds for its profile. */
export function toLimitsView ({ quota, rateLimit }: KeyRecord, profile: ProfileRecord | null, now: number, language: Language): LimitsView {
  const { duration } = language
  const rate = rateLimit === false ? null : rateLimit ?? profile?.rateLimit ?? null
  return {
    rate: rate === null ? null : { max: rate.max, window: duration(rate.timeWindow) },
    quota: quota === null
      ? null
      : {
          max: quota.max,
          used: quota.used,
          left: Math.max(0, quota.max - quota.used),
          every: quota.every === null ? null : duration(quota.every),
          resets: quota.resetsAt === null ? null : language.due(quota.resetsAt, now),
          // Of a bar that is 100 wide.
          width: Math.min(100, quota.used / quota.max * 100)
        }
  }
}
