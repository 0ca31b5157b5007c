import Database from 'better-sqlite3'
import { generateSQLiteDrizzleJson, generateSQLiteMigration } from 'drizzle-kit/api'
import t from 'tap'
import apiKey from '../lib/index.js'
import * as schema from '../lib/store/sqlite/schema.js'
import { ask, bareServer, me } from './helpers/app.js'
import { triggersLeft } from './helpers/migrations.js'

/** What an application that re-exports the schema gets from Drizzle as its migration. */
async function generated (): Promise<string[]> {
  const { triggers, ...tables } = schema
  return await generateSQLiteMigration(await generateSQLiteDrizzleJson({}), await generateSQLiteDrizzleJson(tables))
}

t.test('the migrations leave the triggers that are in the list which applications append to their own', async (t) => {
  t.strictSame(triggersLeft('sqlite'), schema.triggers.toSorted())
})

t.test('an application that holds the tables in its own migrations needs none of the package', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  for (const statement of [...await generated(), ...schema.triggers]) database.exec(statement)
  const app = bareServer(t)
  await app.register(apiKey, { database, migrate: false })
  app.get('/me', me)

  const { id, key } = await app.apiKeys.create('ann')
  t.match(await ask(app, key), { status: 200 })
  database.exec('UPDATE api_keys SET revoked_at = 1')
  t.match(await ask(app, key), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } })
  await app.apiKeys.flush()
  t.type((await app.apiKeys.get(id))?.lastUsedAt, Date)
  t.equal(database.prepare("SELECT count(*) FROM sqlite_master WHERE name = 'api_key_migrations'").pluck().get(), 0)
})

t.test('without the triggers it does not start', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  for (const statement of await generated()) database.exec(statement)
  await t.rejects(async () => await bareServer(t).register(apiKey, { database, migrate: false }), {
    code: 'FST_API_KEY_SCHEMA_MISSING',
    message: /the trigger api_keys_changed,.*the row of api_key_generation/
  })
})
