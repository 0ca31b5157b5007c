import t from 'tap'
import { openStore } from '../lib/store/open.js'
import { triggers } from '../lib/store/postgres/schema.js'
import { useLine } from '../lib/store/use-log.js'
import { ask, ERROR, INFO, Log, server } from './helpers/app.js'
import { freshSchema, quiet } from './helpers/postgres.js'
import { Proxy } from './helpers/proxy.js'
import { until } from './helpers/server.js'

const LOST = 'changes of API keys by other nodes are not heard; every key is looked up in the database until they are'
const AGAIN = 'changes of API keys by other nodes are heard again'

t.test('a listening connection that goes silent is not trusted for longer than a second', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const proxy = await Proxy.start(t, url)
  const log = new Log()
  const node = await server(t, { database: proxy.url, schema }, log)
  const { key } = await node.apiKeys.create('ann')
  const other = await node.apiKeys.create('bob')
  for (const secret of [key, other.key]) await ask(node, secret)
  proxy.freeze('listeners')
  const frozenAt = performance.now()
  await client.query(`UPDATE ${schema}.api_keys SET revoked_at = 1 WHERE start = $1`, [key.slice(0, 7)])
  t.equal((await ask(node, key)).status, 200, 'nothing tells of it')
  await until(async () => (await ask(node, key)).status === 401)
  t.ok(performance.now() - frozenAt < 1000)
  t.equal((await ask(node, other.key)).status, 200, 'other keys are looked up')
  await until(() => log.messages(ERROR).includes(LOST))
  proxy.thaw()
  await until(() => log.messages(INFO).includes(AGAIN))
  t.strictSame(log.messages(ERROR), [LOST], 'once an outage')
  await client.query(`UPDATE ${schema}.api_keys SET revoked_at = 1`)
  await until(async () => (await ask(node, other.key)).status === 401, 500)
})

t.test('a pooler that keeps notifications back is found out, and every key is looked up', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const proxy = await Proxy.start(t, url)
  proxy.cutsNotifications = true
  const log = new Log()
  const node = await server(t, { database: proxy.url, schema }, log)
  t.match(log.lines.find(({ msg }) => msg === LOST), { err: { message: 'notifications do not arrive; a pooler in between may keep them back' } })
  const { key } = await node.apiKeys.create('ann')
  t.equal((await ask(node, key)).status, 200)
  await client.query(`UPDATE ${schema}.api_keys SET revoked_at = 1`)
  t.equal((await ask(node, key)).status, 401, 'at once, without having been told')
  proxy.cutsNotifications = false
  await until(() => log.messages(INFO).includes(AGAIN))
  t.strictSame(log.messages(ERROR), [LOST])
})

t.test('a listening connection that is ended comes back with an empty cache', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const log = new Log()
  const database = new URL(url)
  database.searchParams.set('application_name', schema)
  const node = await server(t, { database: database.href, schema }, log)
  const { key } = await node.apiKeys.create('ann')
  await ask(node, key)
  await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND (query LIKE '%pg_trigger%' OR query LIKE 'LISTEN %')", [schema])
  await until(() => log.messages(ERROR).includes(LOST))
  await client.query(`UPDATE ${schema}.api_keys SET revoked_at = 1`)
  t.equal((await ask(node, key)).status, 401)
  await until(() => log.messages(INFO).includes(AGAIN))
  t.equal((await ask(node, key)).status, 401)
  t.type(log.lines.find(({ msg }) => msg === AGAIN)?.['after'], 'number')
})

t.test('closing does not wait for a database that has gone silent', async (t) => {
  const { url, schema } = await freshSchema(t)
  const proxy = await Proxy.start(t, url)
  const node = await server(t, { database: proxy.url, schema })
  const { key } = await node.apiKeys.create('ann')
  await ask(node, key)
  await node.apiKeys.flush()
  proxy.freeze('all')
  const closedAt = performance.now()
  await node.close()
  t.ok(performance.now() - closedAt < 2500)
  // What the plugin has hung up on closes now, and nothing else would.
  proxy.thaw()
  await until(() => proxy.connections === 0)
})

t.test('nor does it with uses that wait to be written, which are then given up and told of', async (t) => {
  const { url, schema } = await freshSchema(t)
  const proxy = await Proxy.start(t, url)
  const log = new Log()
  const node = await server(t, { database: proxy.url, schema }, log)
  const { key } = await node.apiKeys.create('ann')
  await ask(node, key)
  proxy.freeze('all')
  const closedAt = performance.now()
  await node.close()
  t.comment(`closed ${Math.round(performance.now() - closedAt)} ms after the database went silent`)
  t.ok(performance.now() - closedAt < 4500)
  await until(() => log.messages(ERROR).includes('the last use of API keys cannot be written; trying again every second'))
  proxy.thaw()
  await until(() => proxy.connections === 0)
})

t.test('keys in memory do not outlive their tables', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const log = new Log()
  const node = await server(t, { database: url, schema }, log)
  const { key } = await node.apiKeys.create('ann')
  await ask(node, key)
  await client.query(`DROP SCHEMA ${schema} CASCADE`)
  await until(async () => (await ask(node, key)).status === 500, 1000)
  await until(() => log.messages(ERROR).includes(LOST))
  t.match(log.lines.find(({ msg }) => msg === LOST), { err: { message: /^the database lacks the trigger api_keys_changed, the trigger/ } })
  const other = await server(t, { database: url, schema })
  t.equal((await ask(node, key)).status, 401, 'the new tables do not have it')
  await until(() => log.messages(INFO).includes(AGAIN))
  t.equal((await ask(node, (await other.apiKeys.create('ann')).key)).status, 200)
})

t.test('tables that are replaced between two queries take along what was in memory', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const node = await server(t, { database: url, schema })
  const { key } = await node.apiKeys.create('ann')
  await (await server(t, { database: url, schema: `${schema}_new` })).close()
  t.teardown(() => client.query(`DROP SCHEMA IF EXISTS ${schema}_new, ${schema}_old CASCADE`))
  await ask(node, key)
  await client.query(`BEGIN; ALTER SCHEMA ${schema} RENAME TO ${schema}_old; ALTER SCHEMA ${schema}_new RENAME TO ${schema}; COMMIT`)
  await until(async () => (await ask(node, key)).status === 401, 1000)
})

t.test('triggers that were disabled for a while empty the cache, and while one is missing every key is looked up', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const log = new Log()
  const first = await server(t, { database: url, schema })
  const { key } = await first.apiKeys.create('ann')
  await ask(first, key)
  await client.query(`
    ALTER TABLE ${schema}.api_keys DISABLE TRIGGER USER; UPDATE ${schema}.api_keys SET revoked_at = 1; ALTER TABLE ${schema}.api_keys ENABLE TRIGGER USER`)
  await until(async () => (await ask(first, key)).status === 401, 1000)
  await client.query(`DROP TRIGGER api_keys_changed ON ${schema}.api_keys`)
  const second = await server(t, { database: url, schema }, log)
  t.match(log.lines.find(({ msg }) => msg === LOST), { err: { message: 'the database lacks the trigger api_keys_changed' } })
  const other = await second.apiKeys.create('ann')
  t.equal((await ask(second, other.key)).status, 200)
  await client.query(`UPDATE ${schema}.api_keys SET revoked_at = 1`)
  t.equal((await ask(second, other.key)).status, 401, 'at once, without having been told')
})

t.test('a trigger that is altered while a node runs is noticed, and every key is looked up until it is as it was', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const log = new Log()
  const node = await server(t, { database: url, schema }, log)
  const { key } = await node.apiKeys.create('ann')
  await ask(node, key)
  await client.query(`SET search_path = ${schema}`)
  const nothing = 'CREATE OR REPLACE FUNCTION api_keys_announce() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$'
  await client.query(`${nothing}; UPDATE api_keys SET revoked_at = 1`)
  await until(async () => (await ask(node, key)).status === 401, 1000)
  await until(() => log.messages(ERROR).includes(LOST))
  t.match(log.lines.find(({ msg }) => msg === LOST), { err: { message: 'the database lacks the trigger api_keys_changed as this version defines it, the trigger api_keys_deleted as this version defines it' } })
  await client.query('UPDATE api_keys SET revoked_at = NULL')
  t.equal((await ask(node, key)).status, 200)
  await client.query('UPDATE api_keys SET revoked_at = 1')
  t.equal((await ask(node, key)).status, 401, 'at once, without having been told')
  const [original = ''] = triggers
  await client.query(original.replace('CREATE', 'CREATE OR REPLACE'))
  await until(() => log.messages(INFO).includes(AGAIN))
})

t.test('a process that falls silent while it changes something keeps what it has locked for five seconds, and no longer', async (t) => {
  const { url, schema } = await freshSchema(t)
  const node = await server(t, { database: url, schema })
  const { key, id } = await node.apiKeys.create('ann')
  const proxy = await Proxy.start(t, url)
  const other = await openStore({ database: proxy.url, schema, migrate: true }, quiet)
  t.teardown(() => other.close())
  const at = Date.now()
  const entry = await other.logUses(useLine({ keyId: id, at, ip: null, previousAt: null }, 7, 1), at)
  // Cut off when it has locked the key's rows and not yet committed.
  proxy.freezeAt('COMMIT\0')
  const applied = other.applyLogged(entry).catch(({ code }: { code: string }) => code)
  await until(() => proxy.isFrozen)
  t.equal((await ask(node, key)).status, 200)
  await t.rejects(node.apiKeys.flush(), { code: 'FST_API_KEY_UNAVAILABLE' })
  const frozenAt = performance.now()
  await until(async () => await node.apiKeys.flush().then(() => true, () => false), 10_000)
  t.ok(performance.now() - frozenAt < 8000)
  t.equal(await applied, 'FST_API_KEY_UNAVAILABLE')
  proxy.thaw()
  t.equal(await other.applyLogged(entry), true, 'it is still there')
  t.strictSame(await other.readUsage([id], 1, 1), [{ keyId: id, day: 1, outcome: 'accepted', count: 7 }])
})
