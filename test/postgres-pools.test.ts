import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import t from 'tap'
import apiKey from '../lib/index.js'
import { ask, bareServer, Log, server, WARN } from './helpers/app.js'
import { databaseUrl, freshSchema } from './helpers/postgres.js'
import { until } from './helpers/server.js'

t.test("the application's own pool is used, left open, and keeps its settings", async (t) => {
  const { url, schema } = await freshSchema(t)
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  t.teardown(() => pool.end())
  const options = { ...pool.options }
  const listeners = pool.listenerCount('error')
  const log = new Log()
  const node = await server(t, { database: pool, schema }, log)
  const { key, id } = await node.apiKeys.create('ann')
  t.equal((await ask(node, key)).status, 200)
  await pool.query(`UPDATE ${schema}.api_keys SET revoked_at = 1 WHERE id = $1`, [id])
  await until(async () => (await ask(node, key)).status === 401)
  await node.close()
  t.equal((await pool.query('SELECT 1')).rowCount, 1)
  t.strictSame({ ...pool.options }, options)
  t.equal(pool.listenerCount('error'), listeners)
  const { hostname, port, pathname } = new URL(url)
  t.match(log.lines[0], { database: `the application's own (${hostname}:${port}${pathname})` })
})

t.test('a pool made of single settings, whose password cannot be seen, also listens', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const { hostname, port, pathname, username, password } = new URL(url)
  const pool = new pg.Pool({ host: hostname, port: Number(port), database: pathname.slice(1), user: username, password, application_name: schema })
  t.teardown(() => pool.end())
  const node = await server(t, { database: pool, schema })
  const { key, id } = await node.apiKeys.create('ann')
  await ask(node, key)
  const { rows } = await client.query('SELECT 1 FROM pg_stat_activity WHERE application_name = $1', [`${schema} (listening)`])
  t.equal(rows.length, 1)
  await client.query(`UPDATE ${schema}.api_keys SET revoked_at = 1 WHERE id = $1`, [id])
  await until(async () => (await ask(node, key)).status === 401)
})

t.test("the application's Drizzle instance is used by its pool, and with one connection only it is refused", async (t) => {
  const { url, schema } = await freshSchema(t)
  const pool = new pg.Pool({ connectionString: url })
  t.teardown(() => pool.end())
  const node = await server(t, { database: drizzle(pool), schema })
  t.equal((await ask(node, (await node.apiKeys.create('ann')).key)).status, 200)
  const single: object = { database: drizzle(new pg.Client(url)) }
  await t.rejects(async () => { await bareServer(t).register(apiKey, single) }, {
    code: 'FST_API_KEY_INVALID_OPTION', message: /a pg\.Pool, or a Drizzle database on one of them/
  })
})

t.test('a pool that has no connection to give is not waited for, and gets back what comes late', async (t) => {
  const { url, schema } = await freshSchema(t)
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  t.teardown(() => pool.end())
  const node = await server(t, { database: pool, schema, cache: false })
  const { key } = await node.apiKeys.create('ann')
  const client = await pool.connect()
  t.match(await ask(node, key), { status: 503, body: { code: 'FST_API_KEY_UNAVAILABLE' } })
  const others = await Promise.all(Array.from({ length: 1000 }, () => ask(node, key)))
  t.ok(others.every(({ status }) => status === 503))
  t.equal(pool.waitingCount, 1000, 'those given up are still in its queue, and no more than a thousand may be')
  client.release()
  await until(async () => (await ask(node, key)).status === 200)
  t.equal(pool.waitingCount, 0)
  t.equal(pool.idleCount, 1)
})

t.test('prepared statements that the application throws away are done without, and prepared again', async (t) => {
  const { url, schema } = await freshSchema(t)
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  t.teardown(() => pool.end())
  const log = new Log()
  const node = await server(t, { database: pool, schema, cache: false }, log)
  const { key, id } = await node.apiKeys.create('ann')
  t.equal((await ask(node, key)).status, 200)
  await pool.query('DEALLOCATE ALL')
  t.equal((await ask(node, key)).status, 200)
  await node.apiKeys.update(id, { name: 'new' })
  await pool.query('DEALLOCATE ALL')
  t.equal((await node.apiKeys.update(id, { name: 'newer' })).name, 'newer')
  t.equal((await ask(node, key)).status, 200)
  const { rows } = await pool.query("SELECT name FROM pg_prepared_statements WHERE name LIKE 'api_key%'")
  t.ok(rows.length > 0)
  t.strictSame(log.messages(WARN), [])
})

t.test('where a pooler gives a connection the statements of another, none are prepared any more', async (t) => {
  const { url, schema } = await freshSchema(t)
  const first = new pg.Pool({ connectionString: url, max: 1 })
  const before = await server(t, { database: first, schema, cache: false })
  const { id, key } = await before.apiKeys.create('ann')
  await before.apiKeys.update(id, { name: 'old' })
  t.equal((await ask(before, key)).status, 200)
  const { rows } = await first.query("SELECT name FROM pg_prepared_statements WHERE name LIKE 'api_key%'")
  await before.close()
  await first.end()
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  t.teardown(() => pool.end())
  pool.on('connect', (client) => { for (const { name } of rows) client.query(`PREPARE ${name} AS SELECT 1`).catch(() => {}) })
  const log = new Log()
  const node = await server(t, { database: pool, schema, cache: false }, log)
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(node, key)))
  t.strictSame(answers.map(({ status, body }) => status === 200 ? status : body), Array(10).fill(200))
  t.equal((await node.apiKeys.update(id, { name: 'new' })).name, 'new')
  await node.apiKeys.revoke(id)
  t.equal((await ask(node, key)).status, 401)
  t.match(log.messages(WARN), [/does not keep prepared statements apart; none are prepared any more/])
  t.equal(log.messages(WARN).length, 1, 'and that is told once')
  t.match(log.lines.find(({ level }) => level === WARN), { err: { type: 'Error', message: /^prepared statement "api_key_\w+" already exists$/ } })
})

t.test('a connection on which a transaction did not get beyond its beginning is given back without it', async (t) => {
  const { url, schema } = await freshSchema(t)
  const pool = new pg.Pool({ connectionString: url, max: 1, statement_timeout: 100 })
  t.teardown(() => pool.end())
  const node = await server(t, { database: pool, schema, cache: false })
  const { key } = await node.apiKeys.create('ann')
  const client = await pool.connect()
  const query = client.query
  // A database that is slow just then.
  Object.assign(client, {
    query: (statement: { text: string }, ...rest: never[]) => Reflect.apply(query, client, [
      { ...statement, text: statement.text.replace(/^BEGIN.*?;/, '$& SELECT pg_sleep(1);') }, ...rest])
  })
  client.release()
  await t.rejects(node.apiKeys.create('bob'), { code: 'FST_API_KEY_UNAVAILABLE' })
  Object.assign(client, { query })
  t.equal((await ask(node, key)).status, 200)
  t.equal((await node.apiKeys.create('bob')).userId, 'bob')
})

t.test('a pool that the application has ended is a database that does not answer', async (t) => {
  const { url, schema } = await freshSchema(t)
  const pool = new pg.Pool({ connectionString: url })
  const node = await server(t, { database: pool, schema, cache: false })
  const { key } = await node.apiKeys.create('ann')
  await pool.end()
  t.equal((await ask(node, key)).status, 503)
})

t.test('a transaction that collides with another runs again', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const node = await server(t, { database: url, schema })
  await node.apiKeys.createMany([{ userId: 'ann' }, { userId: 'bob' }])
  // This connection leaves it to the other to find the deadlock, and so to give in.
  await client.query("SET deadlock_timeout = '1min'")
  await client.query('BEGIN')
  await client.query(`UPDATE ${schema}.api_key_profiles SET max_keys = 5 WHERE user_id = 'bob'`)
  const made = node.apiKeys.createMany([{ userId: 'ann' }, { userId: 'bob' }])
  await until(async () => (await client.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")).rowCount === 1)
  await client.query(`UPDATE ${schema}.api_key_profiles SET max_keys = 5 WHERE user_id = 'ann'`)
  await client.query('COMMIT')
  t.equal((await made).length, 2)
  t.equal((await node.apiKeys.list('ann')).length, 2)
})

t.test('a profile that another node is just making is waited for and found', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const app = await server(t, { database: url, schema })
  await client.query('BEGIN')
  await client.query(`INSERT INTO ${schema}.api_key_profiles (user_id, created_at) VALUES ('ann', 0)`)
  const made = app.apiKeys.profiles.create('ann')
  await until(async () => (await client.query('SELECT 1 FROM pg_locks WHERE NOT granted')).rowCount)
  await client.query('COMMIT')
  t.match(await made, { userId: 'ann', createdAt: new Date(0) })
})

t.test('without better-sqlite3 PostgreSQL works, and without pg it says what to install', async (t) => {
  const { url, schema } = await freshSchema(t)
  const { register } = await import('node:module')
  const hide = (name: string) => register(`data:text/javascript,export function resolve (name, context, next) { if (name === '${name}') throw new Error('not installed'); return next(name, context) }`)
  hide('better-sqlite3')
  await (await server(t, { database: url, schema })).close()
  hide('pg')
  await t.rejects(async () => { await bareServer(t).register(apiKey, { database: await databaseUrl() }) }, {
    code: 'FST_API_KEY_DRIVER_MISSING', message: 'The package pg is needed for this database; install it with: npm install pg'
  })
})
