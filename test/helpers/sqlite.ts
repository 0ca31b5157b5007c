import { existsSync, readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { Test } from 'tap'
import type { Store } from '../../lib/store/store.js'

/** A second connection to a SQLite file, as another process or an operator has, closed with the test. */
export function connection (t: Test, file: string): Database.Database {
  const client = new Database(file)
  t.teardown(() => client.close())
  return client
}

/** Everything that a SQLite database has on disk, its write-ahead log too. */
export function bytesOf (file: string): Buffer {
  return Buffer.concat([file, `${file}-wal`, `${file}-shm`].filter((name) => existsSync(name)).map((name) => readFileSync(name)))
}

/** A connection for the option `database` that records every statement it prepares and runs. */
export function spyingDatabase (t: Test): { database: Database.Database, statements: string[] } {
  const statements: string[] = []
  const database = new Database(':memory:', { verbose: (statement) => { statements.push(String(statement)) } })
  t.teardown(() => database.close())
  return { database, statements }
}

/** The verbs of a store, by name, each of which may be replaced. */
export type Verbs = { -readonly [verb in keyof Store]: Store[verb] }
