import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ask, Clock, HEADER, me, server, T0 } from './helpers/app.js'
import { compiled } from './helpers/compiled.js'
import { onEachEngine } from './helpers/engines.js'
import { freshSchema } from './helpers/postgres.js'
import { spyingDatabase } from './helpers/sqlite.js'

const DAY = 86_400_000

onEachEngine('a key with a quota is refused when it is used up, and accepted again in the next period', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { id, key, quota } = await app.apiKeys.create('ann', { quota: { max: 2, every: '1d' } })
  t.strictSame(quota, { max: 2, every: DAY, used: 0, resetsAt: null })
  let logins = 0
  app.apiKeys.on('apiUserLoggedIn', () => logins++)
  clock.tick(1000)
  t.equal((await ask(app, key)).status, 200)
  clock.tick(500)
  t.equal((await ask(app, key)).status, 200)
  const refused = await app.inject({ url: '/me', headers: { [HEADER]: key } })
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), { code: 'FST_API_KEY_QUOTA_EXCEEDED', message: 'The quota of the API key is used up' })
  t.equal(refused.headers['retry-after'], '86400')
  t.strictSame((await app.apiKeys.get(id))?.quota, { max: 2, every: DAY, used: 2, resetsAt: new Date(T0 + 1000 + DAY) })
  t.equal(logins, 2, 'a refused request is no login')
  clock.tick(DAY)
  t.strictSame((await app.apiKeys.get(id))?.quota, { max: 2, every: DAY, used: 0, resetsAt: new Date(T0 + 1000 + 2 * DAY) })
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.verify(key)
  await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_QUOTA_EXCEEDED', keyId: id, retryAfter: 86_400 })
})

onEachEngine('a total quota does not come back by itself, and can be raised, taken away and begun anew', async (t, database) => {
  const app = await server(t, database)
  const { id, key } = await app.apiKeys.create('ann', { quota: { max: 1 } })
  const status = async () => (await ask(app, key)).status
  t.strictSame([await status(), await status()], [200, 429])
  t.equal((await app.inject({ url: '/me', headers: { [HEADER]: key } })).headers['retry-after'], undefined)
  t.match(await app.apiKeys.update(id, { quota: { max: 2 } }), { quota: { max: 2, every: null, used: 1, resetsAt: null } })
  t.strictSame([await status(), await status()], [200, 429])
  t.equal((await app.apiKeys.update(id, { quota: null })).quota, null)
  t.strictSame([await status(), await status()], [200, 200])
  await app.apiKeys.update(id, { quota: { max: 1 } })
  t.strictSame([await status(), await status()], [200, 429])
})

onEachEngine('a request that is refused for something else costs no quota', async (t, database) => {
  const app = await server(t, database)
  app.get('/scoped', { config: { apiKey: { scopes: ['write'] } } }, me)
  const { id, key } = await app.apiKeys.create('ann', { quota: { max: 5 }, allowedIps: ['127.0.0.1'], rateLimit: { max: 1, timeWindow: '1h' } })
  t.equal((await ask(app, key, '/scoped')).status, 403)
  await t.rejects(app.apiKeys.verify(key, { ip: '192.0.2.1' }), { code: 'FST_API_KEY_ADDRESS' })
  await app.apiKeys.update(id, { enabled: false })
  t.equal((await ask(app, key)).status, 401)
  await app.apiKeys.update(id, { enabled: true })
  t.equal((await app.apiKeys.get(id))?.quota?.used, 0)
  t.strictSame([(await ask(app, key)).status, (await ask(app, key)).body['code']], [200, 'FST_API_KEY_RATE_LIMIT_EXCEEDED'])
  t.equal((await app.apiKeys.get(id))?.quota?.used, 1)
})

t.test('a key without a quota writes nothing, one with a quota once for each request', async (t) => {
  const { database, statements } = spyingDatabase(t)
  const app = await server(t, { database })
  const [free, counted] = [await app.apiKeys.create('ann'), await app.apiKeys.create('ann', { quota: { max: 10 } })]
  const writes = async (key: string) => {
    await ask(app, key)
    statements.length = 0
    await ask(app, key)
    return statements.filter((statement) => /^update "api_keys"/i.test(statement)).length
  }
  t.equal(await writes(free.key), 0)
  t.equal(await writes(counted.key), 1)
})

t.test('SQLite: a quota that cannot be counted is 503', async (t) => {
  const { database } = spyingDatabase(t)
  const app = await server(t, { database })
  const { key } = await app.apiKeys.create('ann', { quota: { max: 10 } })
  database.exec("CREATE TRIGGER broken BEFORE UPDATE OF quota_used ON api_keys BEGIN SELECT RAISE(ABORT, 'no'); END")
  t.equal((await ask(app, key)).status, 500, 'a defect of the schema')
  database.exec('DROP TRIGGER broken')
  t.equal((await ask(app, key)).status, 200)
  database.pragma('query_only = ON')
  t.equal((await ask(app, key)).status, 503)
})

t.test('a key that is deleted while its quota is counted is invalid', async (t) => {
  const { database } = spyingDatabase(t)
  const app = await server(t, { database })
  const { id, key } = await app.apiKeys.create('ann', { quota: { max: 10 } })
  database.exec(`CREATE TEMP TRIGGER gone BEFORE UPDATE OF quota_used ON api_keys BEGIN DELETE FROM api_keys WHERE id = '${id}'; END`)
  t.match((await ask(app, key)).body, { code: 'FST_API_KEY_INVALID' })
})

/** Lets processes send 1,000 requests with one key whose quota is 100, and counts the answers. */
async function race (t: Test, module: string, options: { database: string, schema?: string }): Promise<Record<string, number>> {
  const app = await server(t, options)
  const { id, key } = await app.apiKeys.create('ann', { quota: { max: 100, every: '1h' } })
  const caller = fileURLToPath(new URL('helpers/caller.js', import.meta.url))
  const children = Array.from({ length: 4 }, () => fork(caller, [module, JSON.stringify(options), key, '250'], { execArgv: ['--disable-warning=ExperimentalWarning'] }))
  t.teardown(() => { for (const child of children) child.kill() })
  await Promise.all(children.map((child) => once(child, 'message')))
  const results = Promise.all(children.map(async (child): Promise<string[]> => (await once(child, 'message'))[0]))
  for (const child of children) child.send('go')
  const counts: Record<string, number> = {}
  for (const answer of (await results).flat()) counts[answer] = (counts[answer] ?? 0) + 1
  t.equal((await app.apiKeys.get(id))?.quota?.used, 100)
  return counts
}

const EXACT = { 200: 100, FST_API_KEY_QUOTA_EXCEEDED: 900 }

t.test('SQLite: of 1,000 requests at once, from four processes, exactly 100 pass a quota of 100', async (t) => {
  const module = compiled(t)
  const counts = await race(t, module, { database: join(t.testdirName, 'keys.db') })
  t.comment(`SQLite, 4 processes, 1,000 requests, quota 100: ${JSON.stringify(counts)}`)
  t.strictSame(counts, EXACT)
})

t.test('PostgreSQL: of 1,000 requests at once, from four processes, exactly 100 pass a quota of 100', async (t) => {
  const { url, schema } = await freshSchema(t)
  const counts = await race(t, compiled(t), { database: url, schema })
  t.comment(`PostgreSQL, 4 processes, 1,000 requests, quota 100: ${JSON.stringify(counts)}`)
  t.strictSame(counts, EXACT)
})
