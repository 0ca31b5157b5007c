import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ApiKeyOptions } from '../../lib/index.js'
import { freshSchema } from './postgres.js'
import { connection } from './sqlite.js'

/** Runs a test once for each engine, with the options that give it a database of its own. */
export function onEachEngine (title: string, run: (t: Test, database: ApiKeyOptions) => Promise<void>): void {
  t.test(`SQLite: ${title}`, async (t) => { await run(t, { database: ':memory:' }) })
  t.test(`PostgreSQL: ${title}`, async (t) => {
    const { url, schema } = await freshSchema(t)
    await run(t, { database: url, schema })
  })
}

/** Runs a statement as an operator does, past the package. */
export type RunSql = (statement: string) => Promise<void>

/** The same with a database that outlasts a server, and in which an operator can run SQL once there are tables. */
export function onEachShared (title: string, run: (t: Test, database: ApiKeyOptions, sql: RunSql) => Promise<void>): void {
  t.test(`SQLite: ${title}`, async (t) => {
    const database = join(t.testdir(), 'keys.db')
    await run(t, { database }, async (statement) => { connection(t, database).exec(statement) })
  })
  t.test(`PostgreSQL: ${title}`, async (t) => {
    const { url, schema, client } = await freshSchema(t)
    await run(t, { database: url, schema }, async (statement) => {
      await client.query(`SET search_path = ${schema}`)
      await client.query(statement)
    })
  })
}
