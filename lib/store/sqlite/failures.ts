import type { InsertRefusal } from '../store.js'
import { InternalError, UnavailableError } from '../../errors.js'

/** Result codes that mean that the statement was wrong, not that the database failed. */
const DEFECTS = /^SQLITE_(CONSTRAINT|MISMATCH|MISUSE|RANGE|TOOBIG)/

/**
 * Turns what the driver threw into an error of ours, with the driver's code and message as the cause, for the log.
 */
export function toStoreError (error: unknown): Error {
  const driverError = driverErrorOf(error)
  const code = codeOf(error)
  const cause = new Error(driverError.message)
  if (code !== undefined) cause.name = code
  return isOutage(driverError, code) ? new UnavailableError({ cause }) : new InternalError({ cause })
}

/**
 * The driver's own error. Drizzle wraps it in one whose message holds the SQL and its parameters, a digest among them.
 */
export function driverErrorOf (error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? error.cause : error
}

/** SQLite's extended result code, such as `SQLITE_BUSY_SNAPSHOT`. */
export function codeOf (error: unknown): string | undefined {
  const driverError = driverErrorOf(error)
  const code: unknown = 'code' in driverError ? driverError.code : undefined
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined
}

/** Whether another connection held the lock for too long. */
export function isBusy (error: unknown): boolean {
  return codeOf(error)?.startsWith('SQLITE_BUSY') === true
}

/** Leaves a transaction, and so undoes it, with the reason for which keys were not inserted. */
export class Refused extends Error {
  readonly refusal: InsertRefusal

  constructor (refusal: InsertRefusal) {
    super(refusal.refused)
    this.refusal = refusal
  }
}

/** Runs a step and turns what it throws into an error of ours, but for a refusal, which it throws on purpose. */
export function guarded<T> (step: () => T): T {
  try {
    return step()
  } catch (error) {
    throw error instanceof Refused ? error : toStoreError(error)
  }
}

function isOutage (error: Error, code: string | undefined): boolean {
  if (code !== undefined) return !DEFECTS.test(code)
  // The driver has no code for a connection that was closed, nor for the application's own while that goes through rows.
  return error instanceof TypeError && /connection is (not open|busy)/.test(error.message)
}
