import { mock } from 'node:test'
import rateLimit from '@fastify/rate-limit'
import t from 'tap'
import apiKey from '../lib/index.js'
import { ask, bareServer, ERROR, HEADER, Log, me, server, T0 } from './helpers/app.js'
import { onEachEngine, onEachShared } from './helpers/engines.js'
import { until } from './helpers/server.js'

onEachEngine('a key over its rate is refused with 429, and each answer says where it stands', async (t, database) => {
  mock.timers.enable({ apis: ['Date'], now: T0 })
  t.teardown(() => mock.timers.reset())
  const app = await server(t, database)
  const { id, key } = await app.apiKeys.create('ann', { rateLimit: { max: 2, timeWindow: '1m' } })
  const send = async () => {
    const { statusCode, headers } = await app.inject({ url: '/me', headers: { [HEADER]: key } })
    return [statusCode, headers['ratelimit-limit'], headers['ratelimit-remaining'], headers['ratelimit-reset'], headers['retry-after']]
  }
  t.strictSame(await send(), [200, '2', '1', '60', undefined])
  mock.timers.tick(20_000)
  t.strictSame(await send(), [200, '2', '0', '40', undefined])
  t.strictSame(await send(), [429, '2', '0', '40', '40'])
  t.match((await ask(app, key)).body, { statusCode: 429, code: 'FST_API_KEY_RATE_LIMIT_EXCEEDED', message: 'The API key made too many requests; try again later' })
  await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_RATE_LIMIT_EXCEEDED', keyId: id, retryAfter: 40 })
  mock.timers.tick(40_000)
  t.strictSame(await send(), [200, '2', '1', '60', undefined])
  t.equal((await app.inject({ url: '/me' })).headers['ratelimit-limit'], undefined)
})

t.test("a key's own limit wins over its profile's, that over its group's, and that over the plugin's", async (t) => {
  const limit = (max: number) => ({ max, timeWindow: 60_000 })
  const app = await server(t, { rateLimit: limit(1), groups: { free: { rateLimit: limit(2) }, staff: { rateLimit: false }, none: {} } })
  const allowed = async (key: string) => (await app.inject({ url: '/me', headers: { [HEADER]: key } })).headers['ratelimit-limit']
  const { id, key } = await app.apiKeys.create('ann')
  t.equal(await allowed(key), '1')
  const steps: [() => Promise<unknown>, string | undefined][] = [
    [() => app.apiKeys.profiles.update('ann', { group: 'none' }), '1'],
    [() => app.apiKeys.profiles.update('ann', { group: 'free' }), '2'],
    [() => app.apiKeys.profiles.update('ann', { rateLimit: limit(3) }), '3'],
    [() => app.apiKeys.update(id, { rateLimit: limit(4) }), '4'],
    [() => app.apiKeys.update(id, { rateLimit: false }), undefined],
    [() => app.apiKeys.update(id, { rateLimit: null }), '3'],
    [() => app.apiKeys.profiles.update('ann', { rateLimit: false }), undefined],
    [() => app.apiKeys.profiles.update('ann', { rateLimit: null, group: 'staff' }), undefined],
    [() => app.apiKeys.profiles.update('ann', { group: null }), '1']
  ]
  for (const [i, [step, expected]] of steps.entries()) {
    await step()
    t.equal(await allowed(key), expected, `step ${i}`)
  }
  t.strictSame((await app.apiKeys.profiles.get('ann'))?.rateLimit, limit(1))
  t.strictSame((await app.apiKeys.create('bob', { rateLimit: limit(5) })).rateLimit, limit(5))
  t.equal((await app.apiKeys.create('bob', { rateLimit: false })).rateLimit, false)
})

t.test('keys of one owner are counted by themselves, and a key in all its secrets together', async (t) => {
  const app = await server(t, { rateLimit: { max: 1, timeWindow: '1h' } })
  const [one, two] = [await app.apiKeys.create('ann'), await app.apiKeys.create('ann')]
  t.strictSame([(await ask(app, one.key)).status, (await ask(app, two.key)).status, (await ask(app, one.key)).status], [200, 200, 429])
  const { key } = await app.apiKeys.rotate(one.id, { overlap: '1h' })
  t.equal((await ask(app, key)).status, 429)
})

t.test('a limit that cannot be checked is 503 and nobody is let in', async (t) => {
  const app = bareServer(t)
  class Store {
    incr (_key: string, done: (error: Error) => void): void { done(new Error('no connection')) }
    child () { return new Store() }
  }
  await app.register(rateLimit, { global: false, skipOnError: true, store: Store })
  await app.register(apiKey, { database: ':memory:' })
  app.get('/me', me)
  const { id, key } = await app.apiKeys.create('ann', { rateLimit: { max: 5, timeWindow: 1000 }, quota: { max: 5 } })
  const { key: free } = await app.apiKeys.create('ann')
  const response = await app.inject({ url: '/me', headers: { [HEADER]: key } })
  t.strictSame([response.statusCode, response.json().code, response.headers['retry-after']], [503, 'FST_API_KEY_UNAVAILABLE', '1'])
  t.equal((await app.apiKeys.get(id))?.quota?.used, 0)
  t.equal((await ask(app, free)).status, 200)
})

t.test('before the application is ready nothing checks rate limits, so a key that has one is refused', async (t) => {
  const { apiKeys } = await server(t)
  const { key } = await apiKeys.create('ann', { rateLimit: { max: 5, timeWindow: 1000 } })
  await t.rejects(apiKeys.verify(key), { code: 'FST_API_KEY_UNAVAILABLE', cause: { message: 'rate limits need the package @fastify/rate-limit, and an application that is ready' } })
})

onEachShared('a key whose limits SQL has left by half is refused until they are whole', async (t, database, sql) => {
  const log = new Log()
  const app = await server(t, { ...database, groups: { free: { rateLimit: { max: 100, timeWindow: '1h' }, quota: { max: 100 } } } }, log)
  await app.apiKeys.profiles.create('ann', { group: 'free' })
  const { id, key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  const columns = ['rate_max', 'rate_window', 'quota_max', 'quota_every']
  const wrong: [string, (number | null)[]][] = [
    ['a rate limit with max 5 and timeWindow 0', [5, null, null, null]],
    ['a rate limit with max 0 and timeWindow 1000', [null, 1000, null, null]],
    ['a rate limit with max -1 and timeWindow 1000', [-1, 1000, null, null]],
    ['a quota with max 0 and every 1000', [null, null, null, 1000]],
    ['a quota with max -1 and every null', [null, null, -1, null]],
    ['a quota with max 5 and every -1', [null, null, 5, -1]]
  ]
  for (const [table, where] of [['api_keys', `id = '${id}'`], ['api_key_profiles', "user_id = 'ann'"]]) {
    const set = (values: (number | null)[]) => sql(`UPDATE ${table} SET ${columns.map((column, i) => `${column} = ${values[i]}`).join(', ')} WHERE ${where}`)
    for (const [fault, values] of wrong) {
      await set(values)
      await until(async () => (await ask(app, key)).status === 500)
      t.match((await ask(app, key)).body, { code: 'FST_API_KEY_INTERNAL', message: 'API keys cannot be checked because of an internal error' })
      await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_INTERNAL', keyId: id, cause: { message: `the database holds ${fault} for this key` } })
      t.match(log.lines.findLast(({ level }) => level === ERROR)?.['err'], { keyId: id, message: new RegExp(fault) }, 'the log says which key, and why')
    }
    t.ok(await app.apiKeys.get(id), 'it can be looked at')
    await set([0, null, 0, 1000])
    await until(async () => (await ask(app, key)).status === 200)
    t.equal((await app.inject({ url: '/me', headers: { [HEADER]: key } })).headers['ratelimit-limit'], undefined, 'a maximum of 0 is no limit')
    await set([null, null, null, null])
    await until(async () => (await app.inject({ url: '/me', headers: { [HEADER]: key } })).headers['ratelimit-limit'] === '100')
  }
  await sql(`UPDATE api_keys SET rate_max = 5 WHERE id = '${id}'`)
  t.match(await app.apiKeys.get(id), { rateLimit: { max: 5, timeWindow: 0 } })
  await app.apiKeys.update(id, { rateLimit: { max: 50, timeWindow: '1h' } })
  t.equal((await app.inject({ url: '/me', headers: { [HEADER]: key } })).headers['ratelimit-limit'], '50')
  await sql(`UPDATE api_keys SET rate_max = 5, rate_window = NULL WHERE id = '${id}'`)
  await app.apiKeys.revoke(id)
  t.match((await ask(app, key)).body, { code: 'FST_API_KEY_REVOKED' }, 'what is final comes first')
})
