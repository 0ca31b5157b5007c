import { sql } from 'drizzle-orm'
import type { Store } from '../store.js'
import type { SqliteDatabase } from './database.js'
import { guarded } from './failures.js'
import { generation } from './schema.js'

/**
 * The verb of a store that tells caches whether anything changed that matters for access, by whichever connection. The
 * triggers count in the database; the number is read at the first request of a turn of the event loop, and again when the clock
 * shows another millisecond, so that slow handlers in one turn cannot stretch it.
 */
export function generationVerb (db: SqliteDatabase): Pick<Store, 'generation'> & { forget: () => void } {
  // By the driver alone: it is asked thousands of times a second.
  const { sql: text } = db.select({ value: generation.value }).from(generation).where(sql`id = 1`).toSQL()
  const read = db.$client.prepare<[], number>(text).pluck()
  let value = 0
  let readAt = NaN
  let nextTurn: NodeJS.Immediate | null = null

  function forget (): void {
    readAt = NaN
  }

  function endTurn (): void {
    nextTurn = null
    forget()
  }

  return {
    generation (now = Date.now()) {
      if (now === readAt) return value
      value = guarded(() => read.get()) ?? value + 1
      readAt = now
      nextTurn ??= setImmediate(endTurn).unref()
      return value
    },
    forget
  }
}
