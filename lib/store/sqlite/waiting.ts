import type { Database } from 'better-sqlite3'
import type { Write } from './database.js'
import { guarded, isBusy } from './failures.js'

/** How long a statement waits for another process's write, in milliseconds. */
export const BUSY_TIMEOUT = 5000

/** The same for noting uses, while all requests wait for it. */
const USES_BUSY_TIMEOUT = 100

/** For so many milliseconds after such a wait in vain nobody waits again, or many quotas would hold all requests up one after the other. */
const USES_BUSY_PAUSE = 500

/**
 * Makes what runs a step that waits neither for the disk nor long for another process. What was only a note of a use may be
 * lost with the power, and with those waits the batches of a busy server would hold up its requests. All else is on the disk
 * when it is answered.
 */
export function withoutWaiting (client: Database, transact: Write): Write {
  let busyUntil = 0

  function attempt<T> (step: () => T, isPatient: boolean): T {
    try {
      return transact(step)
    } catch (error) {
      if (isPatient && isBusy(error)) busyUntil = performance.now() + USES_BUSY_PAUSE
      throw error
    }
  }

  return (step) => guarded(() => {
    const isPatient = performance.now() >= busyUntil
    client.pragma('synchronous = NORMAL')
    client.pragma(`busy_timeout = ${isPatient ? USES_BUSY_TIMEOUT : 0}`)
    try {
      return attempt(step, isPatient)
    } finally {
      client.pragma(`busy_timeout = ${BUSY_TIMEOUT}`)
      client.pragma('synchronous = FULL')
    }
  })
}
