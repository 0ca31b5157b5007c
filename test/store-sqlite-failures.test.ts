import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { generateSecret } from '../lib/keys/secret.js'
import { internalsOf } from '../lib/keys/service.js'
import { ask, ERROR, HEADER, Log, server } from './helpers/app.js'
import { connection } from './helpers/sqlite.js'

const UNAVAILABLE = { statusCode: 503, code: 'FST_API_KEY_UNAVAILABLE', error: 'Service Unavailable', message: 'API keys cannot be checked at the moment' }
const INTERNAL = { statusCode: 500, code: 'FST_API_KEY_INTERNAL', error: 'Internal Server Error', message: 'API keys cannot be checked because of an internal error' }

type Test = Parameters<typeof server>[0]

/** A server on a connection that gives up at once when the database is locked, and a second connection. */
async function fragile (t: Test, cache: false | { max: number } = { max: 100 }) {
  const file = join(t.testdir(), 'keys.db')
  const database = new Database(file, { timeout: 0 })
  t.teardown(() => database.close())
  const log = new Log()
  const app = await server(t, { database, cache }, log)
  const client = connection(t, file)
  const { id, key } = await app.apiKeys.create('ann', { name: 'laptop' })
  return { app, log, database, client, id, key }
}

type Call = () => Promise<unknown>

/** All that may be asked of the service, but for what only reads or only writes. */
function calls ({ apiKeys }: FastifyInstance, id: string, key: string): { reads: Call[], writes: Call[] } {
  return {
    reads: [
      () => apiKeys.get(id), () => apiKeys.list('ann'), () => apiKeys.identify(key), () => apiKeys.verify(generateSecret('ak', 32)),
      () => apiKeys.profiles.get('ann'), () => apiKeys.profiles.list()
    ],
    writes: [
      () => apiKeys.create('ann'), () => apiKeys.createMany([{ userId: 'bob' }]), () => apiKeys.update(id, { name: 'x' }), () => apiKeys.revoke(id),
      () => apiKeys.logout(id), () => apiKeys.profiles.create('bob'), () => apiKeys.profiles.update('ann', { maxKeys: 1 }), () => apiKeys.profiles.delete('ann')
    ]
  }
}

/** Neither SQL nor a digest nor a value, in answers and in the log. */
function showsNothing (t: Test, text: string, key: string): void {
  t.notMatch(text, /select|insert into|update "|params|blob|"api_keys"|Failed query/i)
  t.notOk(text.includes(key.slice(8)))
}

t.test('when the database is gone, every request with a key is 503, and one that needs no database is not', async (t) => {
  for (const cache of [{ max: 100 }, false] as const) {
    const { app, log, database, id, key } = await fragile(t, cache)
    t.equal((await ask(app, key)).status, 200)
    database.close()
    await new Promise(setImmediate)
    for (const secret of [key, generateSecret('ak', 32)]) {
      const response = await app.inject({ url: '/me', headers: { [HEADER]: secret } })
      t.strictSame(response.json(), UNAVAILABLE)
      t.equal(response.headers['www-authenticate'], undefined)
    }
    t.equal((await ask(app)).status, 401)
    t.equal((await ask(app, 'malformed')).status, 401)
    const { reads, writes } = calls(app, id, key)
    for (const call of [...reads, ...writes]) await t.rejects(call(), { code: 'FST_API_KEY_UNAVAILABLE', message: UNAVAILABLE.message })
    showsNothing(t, log.text, key)
    t.match(log.lines.find(({ level }) => level === ERROR), { err: { code: 'FST_API_KEY_UNAVAILABLE', stack: /The database connection is not open/ } }, 'the log says why')
  }
})

t.test('while another process holds the lock, writes are 503 and reads go on', async (t) => {
  const { app, client, id, key } = await fragile(t)
  client.exec('BEGIN IMMEDIATE')
  const { reads, writes } = calls(app, id, key)
  for (const call of writes) await t.rejects(call(), { code: 'FST_API_KEY_UNAVAILABLE' })
  for (const call of reads) await call().catch((error: unknown) => t.match(error, { code: 'FST_API_KEY_INVALID' }))
  t.equal((await ask(app, key)).status, 200)
  client.exec('COMMIT')
  t.ok(await app.apiKeys.create('ann'))
  t.match(await app.apiKeys.get(id), { name: 'laptop', state: 'active' }, 'nothing of what failed was done')
})

t.test('while the application goes through rows on its own connection, what would write is 503, and done afterwards', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  const app = await server(t, { database })
  const { id, key } = await app.apiKeys.create('ann', { quota: { max: 1 } })
  const plain = await app.apiKeys.create('ann')
  for (const row of database.prepare('SELECT 1 AS one').iterate()) {
    t.match(row, { one: 1 })
    t.equal((await ask(app, plain.key)).status, 200)
    t.equal((await ask(app, key)).status, 503)
    await t.rejects(app.apiKeys.flush(), { code: 'FST_API_KEY_UNAVAILABLE' })
    await t.rejects(app.apiKeys.revoke(id), { code: 'FST_API_KEY_UNAVAILABLE' })
  }
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.flush()
  t.match(await app.apiKeys.usage(plain.id), [{ accepted: 1 }])
})

t.test('a table that is gone is 503, without its name', async (t) => {
  const { app, log, client, id, key } = await fragile(t)
  await ask(app, key)
  client.exec('ALTER TABLE api_keys RENAME TO elsewhere')
  await new Promise(setImmediate)
  const { body } = await app.inject({ url: '/me', headers: { [HEADER]: generateSecret('ak', 32) } })
  t.strictSame(JSON.parse(body), UNAVAILABLE)
  await t.rejects(app.apiKeys.get(id), { code: 'FST_API_KEY_UNAVAILABLE', message: UNAVAILABLE.message })
  t.notMatch(body, /api_keys/)
  t.match(log.text, /no such table: main\.api_keys|no such table: api_keys/)
  showsNothing(t, log.text, key)
})

t.test('a table of the generation that is gone means that no key is trusted', async (t) => {
  const { app, client, key } = await fragile(t)
  t.equal((await ask(app, key)).status, 200)
  client.exec('DROP TABLE api_key_generation')
  await new Promise(setImmediate)
  t.strictSame((await app.inject({ url: '/me', headers: { [HEADER]: key } })).json(), UNAVAILABLE)
})

t.test('uses that are refused, though their keys are there, are kept and tried again', async (t) => {
  const { app, client, id, key } = await fragile(t)
  t.equal((await ask(app, key)).status, 200)
  client.exec("CREATE TRIGGER no_uses BEFORE INSERT ON api_key_uses BEGIN SELECT raise(ABORT, 'none'); END")
  await t.rejects(app.apiKeys.flush(), { code: 'FST_API_KEY_INTERNAL', cause: { name: 'SQLITE_CONSTRAINT_TRIGGER' } })
  client.exec('DROP TRIGGER no_uses')
  await app.apiKeys.flush()
  t.match(client.prepare('SELECT key_id FROM api_key_uses').all(), [{ key_id: id }])
})

t.test('a statement that the schema refuses is a defect, 500 with a fixed message', async (t) => {
  const { app, log, client, id, key } = await fragile(t)
  client.exec("CREATE TRIGGER no_names BEFORE UPDATE OF name ON api_keys BEGIN SELECT raise(ABORT, 'digest ' || hex(OLD.digest)); END")
  app.post('/rename', { config: { apiKey: false } }, async () => await app.apiKeys.update(id, { name: 'x' }))
  const { statusCode, body } = await app.inject({ method: 'POST', url: '/rename' })
  t.equal(statusCode, 500)
  t.strictSame(JSON.parse(body), INTERNAL)
  showsNothing(t, body, key)
  client.exec('DROP TRIGGER no_names; CREATE UNIQUE INDEX one_key ON api_keys (profile_id)')
  await t.rejects(app.apiKeys.create('ann'), { code: 'FST_API_KEY_INTERNAL', message: INTERNAL.message, cause: { name: 'SQLITE_CONSTRAINT_UNIQUE' } })
  t.equal((await app.apiKeys.list('ann')).length, 1)
  showsNothing(t, log.text, key)
})

t.test('an error that is not of the database is a defect too', async (t) => {
  const { guarded, toStoreError } = await import('../lib/store/sqlite/failures.js')
  t.throws(() => guarded(() => { throw new TypeError('x is not a function') }), { code: 'FST_API_KEY_INTERNAL', cause: { message: 'x is not a function' } })
  t.match(toStoreError('a text'), { code: 'FST_API_KEY_INTERNAL', cause: { message: 'a text' } })
  t.match(toStoreError(Object.assign(new Error('odd'), { code: 'ENOENT' })), { code: 'FST_API_KEY_INTERNAL' })
  t.match(toStoreError(Object.assign(new Error('odd'), { code: 5 })), { code: 'FST_API_KEY_INTERNAL' })
})

t.test('a call of the service that fails tells its caller when to try again, and so does a handler that lets it through', async (t) => {
  const app = await server(t, { api: true })
  app.get('/make', { config: { apiKey: false } }, async () => await app.apiKeys.create('ann'))
  const { id, key } = await app.apiKeys.create('ann')
  await internalsOf(app.apiKeys).close()
  await t.rejects(app.apiKeys.get(id), { code: 'FST_API_KEY_UNAVAILABLE', retryAfter: 1 })
  for (const request of [{ url: '/make' }, { url: '/me', headers: { [HEADER]: key } }, { method: 'DELETE', url: '/api-keys/self', headers: { [HEADER]: key } }] as const) {
    const response = await app.inject(request)
    t.strictSame([response.json(), response.headers['retry-after']], [UNAVAILABLE, '1'])
  }
})
