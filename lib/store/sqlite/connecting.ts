import type { Database, Options } from 'better-sqlite3'
import { DriverMissingError, OpenError } from '../../errors.js'
import { codeOf, driverErrorOf } from './failures.js'
import { BUSY_TIMEOUT } from './waiting.js'

/**
 * Opens a SQLite file with the driver, which an application may not have installed.
 *
 * @throws FST_API_KEY_CANNOT_OPEN naming the file and the reason
 * @throws FST_API_KEY_DRIVER_MISSING when better-sqlite3 is not installed
 */
export async function connect (file: string, options?: Options): Promise<Database> {
  const Connection = await loadDriver()
  try {
    return new Connection(file, { timeout: BUSY_TIMEOUT, ...options })
  } catch (error) {
    throw new OpenError(file, reasonOf(error))
  }
}

/** What the driver says of a failure, for whoever starts the application. */
export function reasonOf (error: unknown): string {
  const { message } = driverErrorOf(error)
  const code = codeOf(error)
  return code === undefined ? message : `${message} (${code})`
}

async function loadDriver (): Promise<typeof import('better-sqlite3')> {
  try {
    return (await import('better-sqlite3')).default
  } catch {
    throw new DriverMissingError('better-sqlite3', 'better-sqlite3')
  }
}
