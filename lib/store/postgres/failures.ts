import { InternalError, UnavailableError } from '../../errors.js'
import type { InsertRefusal } from '../store.js'

/*
 * Classes of SQLSTATE (PostgreSQL manual, appendix A) that mean that the database cannot answer now, not that the
 * statement was wrong: connection, prepared statement gone, authorization, transaction rollback, resources, limits,
 * prerequisite state, operator intervention, system, internal; and a standby after a failover, which is read-only.
 */
const OUTAGE = /^(08|26|28|3D|40|53|54|55|57|58|XX)|^25006$/

/**
 * After these a connection is of no more use: it is about to close, a statement that was prepared on it is gone, or the
 * tables are not those that it was prepared for.
 */
const SPENT = /^(08|0A|26|57P)/

/** Two transactions got in each other's way: deadlock or serialization failure. One of them may simply try again. */
const COLLISION = /^40(P01|001)$/

/** Turns what the driver threw into an error of ours, with the driver's code and message as the cause, for the log. */
export function toStoreError (error: unknown): Error {
  if (error instanceof UnavailableError) return error
  const cause = toCause(error)
  return isOutage(error) ? new UnavailableError({ cause }) : new InternalError({ cause })
}

/** The driver's code and message alone: its error also holds rows, and Drizzle's the SQL and its parameters. */
export function toCause (error: unknown): Error {
  const cause = new Error(messageOf(error))
  const code = codeOf(error)
  if (code !== undefined) cause.name = code
  return cause
}

/** What the driver said, and its code. */
export function reasonOf (error: unknown): string {
  const code = codeOf(error)
  return code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`
}

/** SQLSTATE, or the code of a failure to connect, such as `ECONNREFUSED`. */
export function codeOf (error: unknown): string | undefined {
  const driverError = driverErrorOf(error)
  const code: unknown = 'code' in driverError ? driverError.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Whether the connection is still good after this error: the database itself answered, or we left on purpose. */
export function isHarmless (error: unknown): boolean {
  return error instanceof Refused || (isAnswer(error) && !SPENT.test(String(codeOf(error))))
}

export function isCollision (error: unknown): boolean {
  return COLLISION.test(String(codeOf(error)))
}

/** Leaves a transaction, and so undoes it, with the reason for which keys were not inserted. */
export class Refused extends Error {
  readonly refusal: InsertRefusal

  constructor (refusal: InsertRefusal) {
    super(refusal.refused)
    this.refusal = refusal
  }
}

/** Whether the code is a SQLSTATE. None begins as the codes of Node do, of which EPIPE is as long. */
function isAnswer (error: unknown): boolean {
  return /^(?!E[A-Z])[0-9A-Z]{5}$/.test(String(codeOf(error)))
}

function driverErrorOf (error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  // Drizzle wraps the driver's own error.
  return error.cause instanceof Error ? error.cause : error
}

function messageOf (error: unknown): string {
  const driverError = driverErrorOf(error)
  // A name with several addresses fails once for each of them.
  const [first] = driverError instanceof AggregateError ? driverError.errors : []
  return first instanceof Error ? first.message : driverError.message
}

function isOutage (error: unknown): boolean {
  // Sockets fail with a code of Node's, and what the driver says of a lost connection or a timeout has none.
  return isAnswer(error) ? OUTAGE.test(String(codeOf(error))) : !(driverErrorOf(error) instanceof TypeError)
}
