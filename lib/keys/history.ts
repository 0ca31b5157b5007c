import { checkObject, isText, isWhole, type Checks } from '../checks.js'
import { refuseArgument } from '../errors.js'
import type { Context } from './context.js'

/** Which changes are asked for: those of a key, of a user, or all. */
export interface HistoryQuery {
  keyId?: string
  userId?: string
  /** At most so many, 1 to 1000. Default 100. */
  limit?: number
  /** The `cursor` of the page before. */
  cursor?: number
}

/** A change of a key or a profile, as it was remembered in the transaction that made it. */
export interface HistoryEntry {
  readonly id: number
  readonly at: Date
  /** Null when it is about the profile. */
  readonly keyId: string | null
  readonly profileId: number
  readonly userId: string
  /** As given by whoever made the change; null when not given. */
  readonly actor: string | null
  /** As given; null when not given. With `recordIp: false` also of changes from before that. */
  readonly ip: string | null
  /** The name of the event that told of it, such as `apiKeyRevoked`. */
  readonly action: string
  /** What changed, by name: a list of what was before and what is after. Null when there is nothing to tell. No secret is among it. */
  readonly changes: Readonly<Record<string, unknown>> | null
}

/** One page of the history, newest first. */
export interface HistoryPage {
  readonly entries: HistoryEntry[]
  /** What gets the next page; null when there is none. */
  readonly cursor: number | null
}

const ID = { allowed: 'a non-empty string of at most 255 characters without control characters', test: isText(1, 255) }

const QUERY: Checks = {
  keyId: ID,
  userId: ID,
  limit: { allowed: 'a whole number from 1 to 1000', test: isWhole(1, 1000) },
  cursor: { allowed: 'the cursor of the page before', test: isWhole(1, Number.MAX_SAFE_INTEGER) }
}

/** Reads a page of the history. */
export async function readHistory ({ store, settings }: Pick<Context, 'store' | 'settings'>, query: HistoryQuery): Promise<HistoryPage> {
  checkObject(query, 'the argument', '', QUERY, refuseArgument)
  const { keyId, userId, limit = 100, cursor } = query
  // One more than asked for, to know whether there is another page.
  const rows = await store.listHistory({ ...(keyId !== undefined && { keyId }), ...(userId !== undefined && { userId }), ...(cursor !== undefined && { before: cursor }), limit: limit + 1 })
  const entries = rows.slice(0, limit).map((row) => ({ ...row, at: new Date(row.at), ip: settings.recordIp ? row.ip : null }))
  return { entries, cursor: rows.length > limit ? Math.min(...entries.map(({ id }) => id)) : null }
}
