import { sql } from 'drizzle-orm'
import type { Store } from '../store.js'
import type { SqliteDatabase } from './database.js'
import { guarded } from './failures.js'
import { generation } from './schema.js'

/** As many requests in one turn of the event loop are a sign of a busy server. */
const MANY = 4

/**
 * The verb of a store that tells caches whether anything changed that matters for access, by whichever connection. The
 * triggers count in the database; the number is read again when the clock shows another millisecond, so that nothing can stretch
 * it, and before that at the first request of another turn of the event loop, so that who makes one request after the other
 * mostly sees a change at once. A busy server has many turns in a millisecond: it does the latter once in each at most, and not
 * at all when many requests came in the first.
 */
export function generationVerb (db: SqliteDatabase): Pick<Store, 'generation'> & { forget: () => void } {
  // By the driver alone: it is asked thousands of times a second.
  const { sql: text } = db.select({ value: generation.value }).from(generation).where(sql`id = 1`).toSQL()
  const read = db.$client.prepare<[], number>(text).pluck()
  let value = 0
  let readAt = NaN
  /** Requests that relied on it since it was read. */
  let relied = 0
  /** The millisecond in which the end of a turn was waited for. */
  let endedAt = NaN
  let nextTurn: NodeJS.Immediate | null = null

  function forget (): void {
    readAt = NaN
  }

  function endTurn (): void {
    nextTurn = null
    if (relied < MANY) forget()
  }

  return {
    generation (now = Date.now()) {
      relied += 1
      if (now === readAt) return value
      value = guarded(() => read.get()) ?? value + 1
      readAt = now
      relied = 0
      if (endedAt !== now) nextTurn ??= setImmediate(endTurn).unref()
      endedAt = now
      return value
    },
    forget
  }
}
