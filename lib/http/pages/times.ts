import type { TimeView } from './data.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })
const EXACT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' })
const AGO = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })

/**
 * Makes a time readable: how long ago within a week, the date beyond.
 *
 * @param now milliseconds since the epoch
 */
export function toTimeView (time: Date, now: number): TimeView {
  return { iso: time.toISOString(), text: relative(now - time.getTime()) ?? DATE.format(time), exact: `${EXACT.format(time)} UTC` }
}

/** Null when it is too long ago, or ahead because a clock was set back. */
function relative (elapsed: number): string | null {
  if (elapsed < -MINUTE) return null
  if (elapsed < MINUTE) return 'just now'
  if (elapsed < HOUR) return AGO.format(-Math.floor(elapsed / MINUTE), 'minute')
  if (elapsed < DAY) return AGO.format(-Math.floor(elapsed / HOUR), 'hour')
  if (elapsed < 7 * DAY) return AGO.format(-Math.floor(elapsed / DAY), 'day')
  return null
}
