import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { drizzle as onSqlite } from 'drizzle-orm/better-sqlite3'
import { migrate as migrateSqlite } from 'drizzle-orm/better-sqlite3/migrator'
import { drizzle as onPostgres } from 'drizzle-orm/node-postgres'
import { migrate as migratePostgres } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import t, { type Test } from 'tap'
import apiKey from '../lib/index.js'
import * as postgres from '../lib/schema/postgres.js'
import * as sqlite from '../lib/schema/sqlite.js'
import { ask, bareServer, me } from './helpers/app.js'
import { freshSchema } from './helpers/postgres.js'
import { startNode } from './helpers/processes.js'
import { ROOT } from './helpers/readme.js'

/*
 * An application that holds the tables in migrations of its own does what docs/migrations.md says, with Drizzle's own tools.
 */

t.setTimeout(120_000)

type Engine = 'sqlite' | 'postgres'

/** An application's folder, within which the package is found by its name. It has tables of its own, one of them with a name that the plugin has too. */
function application (t: Test, engine: Engine) {
  const folder = t.testdir()
  const table = engine === 'sqlite' ? 'sqliteTable' : 'pgTable'
  writeFileSync(join(folder, 'schema.ts'), `import { ${table}, text } from 'drizzle-orm/${engine === 'sqlite' ? 'sqlite' : 'pg'}-core'
export * from 'fastify-apikey/schema/${engine}'
export const profiles = ${table}('profiles', { id: text('id').primaryKey() })
`)
  writeFileSync(join(folder, 'drizzle.config.json'), JSON.stringify({ dialect: engine === 'sqlite' ? 'sqlite' : 'postgresql', schema: './schema.ts', out: './drizzle' }))
  mkdirSync(join(folder, 'drizzle'))
  const migrations = join(folder, 'drizzle')
  const generate = async (...args: string[]) => await text(startNode([join(ROOT, 'node_modules/drizzle-kit/bin.cjs'), 'generate', ...args], { cwd: folder }).stdout)
  const addTriggers = async () => {
    await generate('--custom', '--name=api_key_triggers')
    const file = readdirSync(migrations).filter((name) => name.endsWith('.sql')).toSorted().at(-1)
    writeFileSync(join(migrations, String(file)), engine === 'sqlite' ? sqlite.triggerMigration : postgres.triggerMigration)
  }
  return { migrations, generate, addTriggers }
}

t.test('SQLite: the tables are in an own migration beside those of the application, and the triggers in one that may be applied again', async (t) => {
  const { migrations, generate, addTriggers } = application(t, 'sqlite')
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  t.match(await generate(), /8 tables/)
  for (let version = 1; version <= 2; version++) {
    await addTriggers()
    migrateSqlite(onSqlite(database), { migrationsFolder: migrations })
  }
  t.match(await generate(), /No schema changes/)
  const app = bareServer(t)
  await app.register(apiKey, { database, migrate: false })
  app.get('/me', me)
  const { key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  database.exec('UPDATE api_keys SET revoked_at = 1')
  t.match(await ask(app, key), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } })
  t.equal(database.prepare('SELECT count(*) FROM profiles').pluck().get(), 0)
})

t.test('PostgreSQL: the same, for a role that may only read and write rows', async (t) => {
  const { migrations, generate, addTriggers } = application(t, 'postgres')
  const { url, schema, client: admin } = await freshSchema(t)
  // Drizzle Kit lets foreign keys refer to the schema public.
  const database = Object.assign(new URL(url), { pathname: `/${schema}` })
  await admin.query(`CREATE DATABASE ${schema}`)
  const client = new pg.Client(database.href)
  await client.connect()
  t.teardown(async () => {
    await client.end()
    await admin.query(`DROP DATABASE ${schema} WITH (FORCE)`)
    await admin.query(`DROP ROLE IF EXISTS ${schema}`)
  })
  t.match(await generate(), /7 tables/)
  for (let version = 1; version <= 2; version++) {
    await addTriggers()
    await migratePostgres(onPostgres(client), { migrationsFolder: migrations })
  }
  t.match(await generate(), /No schema changes/)
  await client.query(`CREATE ROLE ${schema} LOGIN PASSWORD 'sesame'; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${schema}`)
  const app = bareServer(t)
  await app.register(apiKey, { database: Object.assign(database, { username: schema, password: 'sesame' }).href, migrate: false })
  app.get('/me', me)
  const { id, key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.flush()
  t.type((await app.apiKeys.get(id))?.lastUsedAt, Date)
  await client.query('UPDATE api_keys SET revoked_at = 1')
  // It is heard of a moment later.
  for (const end = performance.now() + 5000; performance.now() < end && (await ask(app, key)).status !== 401;) await sleep(10)
  t.match(await ask(app, key), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } })
})
