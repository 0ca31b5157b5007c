import t, { type Test } from 'tap'
import type { ApiKeyOptions } from '../../lib/index.js'
import { freshSchema } from './postgres.js'

/** Runs a test once for each engine, with the options that give it a database of its own. */
export function onEachEngine (title: string, run: (t: Test, database: ApiKeyOptions) => Promise<void>): void {
  t.test(`SQLite: ${title}`, async (t) => { await run(t, { database: ':memory:' }) })
  t.test(`PostgreSQL: ${title}`, async (t) => {
    const { url, schema } = await freshSchema(t)
    await run(t, { database: url, schema })
  })
}
