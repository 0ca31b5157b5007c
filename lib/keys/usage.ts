import { checkObject, type Check } from '../checks.js'
import { refuseArgument } from '../errors.js'
import type { DayCount } from '../store/bookkeeping.js'
import { checkKeyId } from './arguments.js'
import type { Context } from './context.js'
import { unknownKey } from './lifecycle.js'
import { DAY, dayOf } from './tally.js'

/** The days that are asked for, both included, in UTC. */
export interface UsageRange {
  /** A time within the first day, or the day such as `'2030-01-31'`. Default 29 days before the last one. */
  from?: Date | string
  /** A time within the last day, or the day. Default today. */
  to?: Date | string
}

/** How often a key was used on one day. */
export interface DayUsage {
  /** Such as `'2030-01-31'`, in UTC. */
  readonly day: string
  readonly accepted: number
  /** Refusals by the code of their error. */
  readonly refused: Readonly<Record<string, number>>
}

/** How many days are told when nobody says which. */
export const SHOWN_DAYS = 30

/** How long a page waits for what is being written, in milliseconds. */
const PATIENCE = 250

const DATE: Check = { allowed: "a Date or a day such as '2030-01-31'", test: (value) => toDay(value) !== null }

/**
 * Reads how often a key was used and refused, by day. Days on which nothing happened are left out. What is counted in memory belongs to
 * it, and has to be stored where it cannot be told otherwise.
 */
export async function readUsage ({ store, activity, settings }: Context, keyId: string, range: UsageRange): Promise<DayUsage[]> {
  checkKeyId(keyId)
  checkObject(range, 'the second argument', '', { from: DATE, to: DATE }, refuseArgument)
  const last = toDay(range.to) ?? dayOf(settings.now())
  const first = toDay(range.from) ?? last - SHOWN_DAYS + 1
  if (first > last) throw refuseArgument('from', 'no later than to', 'a later day')
  if (await store.getKey(keyId) === null) throw unknownKey(keyId)
  const read = () => store.readUsage([keyId], first, last)
  const counts = await activity.counted([keyId], first, last, read)
  if (counts !== null) return byDay(counts)
  await activity.flush()
  return byDay(await read())
}

/**
 * Reads how often each of some keys was used by day in the last 30 days. What is being written for long, or cannot be, may be missing:
 * pages are shown also then.
 */
export async function readUses ({ store, activity, settings }: Context, keyIds: readonly string[]): Promise<Map<string, DayUsage[]>> {
  const last = dayOf(settings.now())
  const first = last - SHOWN_DAYS + 1
  const read = () => store.readUsage(keyIds, first, last)
  const counts = await activity.counted(keyIds, first, last, read, PATIENCE) ?? await activity.countedAtLeast(keyIds, first, last, read)
  return new Map(keyIds.map((id) => [id, byDay(counts.filter(({ keyId }) => keyId === id))]))
}

/** What is counted of one key, in which a day and outcome may come more than once. */
function byDay (counts: readonly DayCount[]): DayUsage[] {
  const days = new Map<number, { day: string, accepted: number, refused: Record<string, number> }>()
  for (const { day, outcome, count } of counts) {
    const entry = days.get(day) ?? { day: new Date(day * DAY).toISOString().slice(0, 10), accepted: 0, refused: {} }
    if (outcome === 'accepted') entry.accepted += count
    else entry.refused[outcome] = (entry.refused[outcome] ?? 0) + count
    days.set(day, entry)
  }
  return [...days].sort(([a], [b]) => a - b).map(([, usage]) => usage)
}

/** The day of a time or of its text, in days since the epoch; null when it is neither. */
function toDay (value: unknown): number | null {
  const time = value instanceof Date ? value.getTime() : typeof value === 'string' ? toTime(value) : NaN
  // A database counts days with 32 bits.
  return Number.isNaN(time) || Math.abs(time) > 1e14 ? null : dayOf(time)
}

/** Midnight of a day such as `2030-01-31`; NaN when there is no such day, for which dates would take one of the next month. */
function toTime (day: string): number {
  const time = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day) ? time : NaN
}
