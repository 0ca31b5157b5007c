import { checkObject, isBoolean, isText, isWhole, type Checks } from '../checks.js'
import { refuseArgument } from '../errors.js'
import type { Context } from './context.js'
import { toKeyRecord, type KeyRecord } from './records.js'

/** Which keys of a user are asked for. */
export interface KeySearch {
  /** Only those whose name contains it, whatever the case of its letters (with SQLite, of A to Z alone), or whose secret begins with it; 1 to 100 characters. */
  search?: string
  /** `true` for the live ones alone, `false` for those that are revoked or expired. Default both. */
  live?: boolean
  /** At most so many, 1 to 1000. Default 100. */
  limit?: number
  /** The `cursor` of the page before. */
  cursor?: string
}

/** One page of a user's keys, newest first. */
export interface KeyPage {
  readonly keys: KeyRecord[]
  /** What gets the next page; null when there is none. */
  readonly cursor: string | null
}

/** How many keys a user has. */
export interface KeyCount {
  /** Neither revoked nor expired; these count against `maxKeys`. */
  readonly live: number
  /** Those that are revoked or expired, until they are pruned. */
  readonly dead: number
}

const SEARCH: Checks = {
  search: { allowed: 'text of 1 to 100 characters without control characters', test: isText(1, 100) },
  live: { allowed: 'a boolean', test: isBoolean },
  limit: { allowed: 'a whole number from 1 to 1000', test: isWhole(1, 1000) },
  cursor: { allowed: 'the cursor of the page before', test: isText(1, 100) }
}

/** Reads a page of a user's keys. The user id is checked. */
export async function findKeys ({ store, activity, settings }: Context, userId: string, query: KeySearch): Promise<KeyPage> {
  checkObject(query, 'the second argument', '', SEARCH, refuseArgument)
  const { search, live, limit = 100, cursor } = query
  const at = settings.now()
  // One more than asked for, to know whether there is another page.
  const rows = await store.findKeys({
    userId, at, limit: limit + 1, ...(search !== undefined && { text: search }), ...(live !== undefined && { live }), ...(cursor !== undefined && { before: cursor })
  })
  const keys = rows.slice(0, limit).map((row) => toKeyRecord(activity.ofKey(row), at, settings))
  const [last] = rows.length > limit ? keys.slice(-1) : []
  return { keys, cursor: last === undefined ? null : last.id }
}

/** How many keys a user has. The user id is checked. */
export async function countKeys ({ store, settings }: Context, userId: string): Promise<KeyCount> {
  const { live, all } = await store.countKeys(userId, settings.now())
  return { live, dead: all - live }
}

/** The live keys that expire within so many milliseconds, the first to expire first. */
export async function findExpiring ({ store, activity, settings }: Context, within: number): Promise<KeyRecord[]> {
  const at = settings.now()
  const rows = await store.listExpiring(at, at + within)
  return rows.map((row) => toKeyRecord(activity.ofKey(row), at, settings))
}
