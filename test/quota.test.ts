import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ask, Clock, DAY, HEADER, me, server, T0 } from './helpers/app.js'
import { compiled } from './helpers/compiled.js'
import { onEachEngine, onEachShared } from './helpers/engines.js'
import { freshSchema } from './helpers/postgres.js'
import { forkNode } from './helpers/processes.js'
import { until } from './helpers/server.js'
import { spyingDatabase } from './helpers/sqlite.js'

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

onEachEngine('a clock that was ahead and is set back costs a key nothing of its quota', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now, quota: { max: 2, every: '30d' } })
  const { id, key } = await app.apiKeys.create('ann')
  const status = async () => (await ask(app, key)).status
  clock.tick(400 * DAY)
  t.strictSame([await status(), await status(), await status()], [200, 200, 429])
  clock.tick(-400 * DAY)
  t.strictSame((await app.apiKeys.get(id))?.quota, { max: 2, every: 30 * DAY, used: 0, resetsAt: null })
  t.equal(await status(), 200)
  t.strictSame((await app.apiKeys.get(id))?.quota, { max: 2, every: 30 * DAY, used: 1, resetsAt: new Date(T0 + 30 * DAY) })
  t.equal(await status(), 200)
  const refused = await app.inject({ url: '/me', headers: { [HEADER]: key } })
  t.strictSame([refused.statusCode, refused.headers['retry-after']], [429, String(30 * 86_400)])
  // Clocks that are a little apart count in one period.
  clock.tick(-60_000)
  t.equal(await status(), 429)
  t.match((await app.apiKeys.get(id))?.quota, { used: 2, resetsAt: new Date(T0 + 30 * DAY) })
  clock.tick(-1)
  t.match((await app.apiKeys.get(id))?.quota, { used: 0, resetsAt: null })
  t.equal(await status(), 200)
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

onEachEngine("a key's own quota wins over its profile's, that over its group's, and that over the plugin's", async (t, database) => {
  const app = await server(t, { ...database, quota: { max: 101 }, groups: { free: { quota: { max: 102, every: '1d' } }, staff: { quota: false }, none: {}, plain: { quota: null } } })
  const { profiles } = app.apiKeys
  const { id, key } = await app.apiKeys.create('ann')
  const quota = async () => (await app.apiKeys.get(id))?.quota
  t.strictSame(await quota(), { max: 101, every: null, used: 0, resetsAt: null })
  const steps: [() => Promise<unknown>, number | null, number | null][] = [
    [() => profiles.update('ann', { group: 'none' }), 101, null],
    [() => profiles.update('ann', { group: 'plain' }), 101, null],
    [() => profiles.update('ann', { group: 'free' }), 102, DAY],
    [() => profiles.update('ann', { quota: { max: 103 } }), 103, null],
    [() => app.apiKeys.update(id, { quota: { max: 104, every: '2d' } }), 104, 2 * DAY],
    [() => app.apiKeys.update(id, { quota: { max: 105 } }), 105, null],
    [() => app.apiKeys.update(id, { quota: false }), null, null],
    [() => app.apiKeys.update(id, { quota: null }), 103, null],
    [() => profiles.update('ann', { quota: false }), null, null],
    [() => profiles.update('ann', { quota: null, group: 'staff' }), null, null],
    [() => profiles.update('ann', { group: null }), 101, null]
  ]
  for (const [i, [step, max, every]] of steps.entries()) {
    await step()
    const before = (await quota())?.used
    t.equal((await ask(app, key)).status, 200)
    t.match(await quota(), max === null ? null : { max, every, used: Number(before) + 1 }, `step ${i}`)
  }
  t.strictSame((await profiles.get('ann'))?.quota, { max: 101, every: null })
  t.strictSame((await profiles.update('ann', { quota: { max: 3, every: 5000 } })).quota, { max: 3, every: 5000 })
  t.equal((await profiles.update('ann', { quota: false })).quota, null)
  t.strictSame((await profiles.create('bob', { quota: { max: 9 } })).quota, { max: 9, every: null })
  t.strictSame((await app.apiKeys.create('bob')).quota, { max: 9, every: null, used: 0, resetsAt: null })
  t.equal((await app.apiKeys.create('bob', { quota: false })).quota, null)
  t.match((await app.apiKeys.list('bob')).map(({ quota }) => quota?.max), [undefined, 9])
})

onEachEngine('each key has the quota of its profile, group or plugin for itself, in all its secrets together', async (t, database) => {
  const app = await server(t, { ...database, groups: { free: { quota: { max: 1 } } } })
  await app.apiKeys.profiles.create('ann', { group: 'free' })
  const [one, two] = [await app.apiKeys.create('ann'), await app.apiKeys.create('ann')]
  t.strictSame([(await ask(app, one.key)).status, (await ask(app, two.key)).status, (await ask(app, one.key)).status], [200, 200, 429])
  const { key, quota } = await app.apiKeys.rotate(one.id)
  t.match(quota, { max: 1, used: 1 })
  t.match((await ask(app, key)).body, { code: 'FST_API_KEY_QUOTA_EXCEEDED' })
  t.match((await app.apiKeys.identify(key))?.quota, { max: 1, used: 1 })
})

onEachShared('a key that was made without a quota has the one that its profile, group or plugin gets later', async (t, database) => {
  const before = await server(t, database)
  const { key } = await before.apiKeys.create('ann')
  await before.close()
  const app = await server(t, { ...database, quota: { max: 1 } })
  t.strictSame([(await ask(app, key)).status, (await ask(app, key)).status], [200, 429])
})

onEachEngine('an update that only says again what holds does not give uses back', async (t, database) => {
  const app = await server(t, { ...database, quota: { max: 2 } })
  const { id, key } = await app.apiKeys.create('ann')
  t.strictSame([(await ask(app, key)).status, (await ask(app, key)).status, (await ask(app, key)).status], [200, 200, 429])
  let events = 0
  app.apiKeys.on('apiKeyUpdated', () => events++)
  t.match(await app.apiKeys.update(id, { quota: null }), { quota: { used: 2 } })
  t.match(await app.apiKeys.update(id, { name: 'new' }), { quota: { used: 2 } })
  t.equal(events, 1)
  t.equal((await ask(app, key)).status, 429)
  await app.apiKeys.update(id, { quota: false })
  t.equal((await ask(app, key)).status, 200)
  t.match(await app.apiKeys.update(id, { quota: null }), { quota: { max: 2, used: 0 } })
})

onEachShared('a quota that is set by SQL holds as soon as the change is heard', async (t, database, sql) => {
  const app = await server(t, database)
  const { id, key } = await app.apiKeys.create('ann')
  const status = async () => (await ask(app, key)).status
  t.equal(await status(), 200)
  await sql("UPDATE api_key_profiles SET quota_max = 1 WHERE user_id = 'ann'")
  await until(async () => await status() === 429)
  t.match(await app.apiKeys.get(id), { quota: { max: 1, used: 1 } })
  await sql("UPDATE api_key_profiles SET quota_max = 0 WHERE user_id = 'ann'")
  await until(async () => await status() === 200)
  await sql(`UPDATE api_keys SET quota_max = 2 WHERE id = '${id}'`)
  await until(async () => await status() === 429)
  t.match(await app.apiKeys.get(id), { quota: { max: 2, used: 2 } })
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
  const app = await server(t, { database, groups: { free: { quota: { max: 10 } } } })
  const [free, counted] = [await app.apiKeys.create('ann'), await app.apiKeys.create('ann', { quota: { max: 10 } })]
  await app.apiKeys.profiles.create('bob', { group: 'free' })
  const [grouped, freed] = [await app.apiKeys.create('bob'), await app.apiKeys.create('bob', { quota: false })]
  const writes = async (key: string) => {
    await ask(app, key)
    statements.length = 0
    await ask(app, key)
    return statements.filter((statement) => /^update "api_keys"/i.test(statement)).length
  }
  t.equal(await writes(free.key), 0)
  t.equal(await writes(counted.key), 1)
  t.equal(await writes(grouped.key), 1)
  t.equal(await writes(freed.key), 0)
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

/** Lets processes send 1,000 requests with one key whose quota, its own or its group's, is 100, and counts the answers. */
async function race (t: Test, module: string, place: { database: string, schema?: string }, quota: 'own' | "group's"): Promise<Record<string, number>> {
  const options = { ...place, groups: { free: { quota: { max: 100, every: '1h' } } } }
  const app = await server(t, options)
  if (quota === "group's") await app.apiKeys.profiles.create('ann', { group: 'free' })
  const { id, key } = await app.apiKeys.create('ann', quota === 'own' ? { quota: { max: 100, every: '1h' } } : {})
  const caller = fileURLToPath(new URL('helpers/caller.js', import.meta.url))
  const children = Array.from({ length: 4 }, () => forkNode(caller, module, JSON.stringify(options), key, '250'))
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

for (const quota of ['own', "group's"] as const) {
  t.test(`SQLite: of 1,000 requests at once, from four processes, exactly 100 pass a quota of 100, the ${quota} one`, async (t) => {
    const counts = await race(t, compiled(t), { database: join(t.testdirName, 'keys.db') }, quota)
    t.comment(`SQLite, 4 processes, 1,000 requests, quota 100: ${JSON.stringify(counts)}`)
    t.strictSame(counts, EXACT)
  })

  t.test(`PostgreSQL: of 1,000 requests at once, from four processes, exactly 100 pass a quota of 100, the ${quota} one`, async (t) => {
    const { url, schema } = await freshSchema(t)
    const counts = await race(t, compiled(t), { database: url, schema }, quota)
    t.comment(`PostgreSQL, 4 processes, 1,000 requests, quota 100: ${JSON.stringify(counts)}`)
    t.strictSame(counts, EXACT)
  })
}
