import { join } from 'node:path'
import { mock } from 'node:test'
import rateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit'
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

onEachEngine('how much of a rate limit is left can be asked without counting a request', async (t, database) => {
  mock.timers.enable({ apis: ['Date'], now: T0 })
  t.teardown(() => mock.timers.reset())
  const app = await server(t, { ...database, rateLimit: { max: 3, timeWindow: '1m' } })
  await app.ready()
  const { id, key } = await app.apiKeys.create('ann')
  const whole = { max: 3, timeWindow: 60_000, remaining: 3, resetsAt: null }
  t.strictSame(await app.apiKeys.rateLimit(id), whole)
  await ask(app, key)
  mock.timers.tick(20_000)
  for (let i = 0; i < 5; i++) t.strictSame(await app.apiKeys.rateLimit(id), { ...whole, remaining: 2, resetsAt: new Date(T0 + 60_000) })
  for (const status of [200, 200, 429]) t.equal((await ask(app, key)).status, status)
  t.strictSame(await app.apiKeys.rateLimit(id), { ...whole, remaining: 0, resetsAt: new Date(T0 + 60_000) })
  await app.apiKeys.update(id, { rateLimit: { max: 10, timeWindow: '1m' } })
  t.match(await app.apiKeys.rateLimit(id), { max: 10, remaining: 6 }, 'refused ones count')
  mock.timers.tick(40_000)
  t.match(await app.apiKeys.rateLimit(id), { max: 10, remaining: 10, resetsAt: null })
  await app.apiKeys.update(id, { rateLimit: false })
  t.equal(await app.apiKeys.rateLimit(id), null)
  await app.apiKeys.update(id, { rateLimit: null })
  await app.apiKeys.profiles.update('ann', { rateLimit: { max: 7, timeWindow: '1h' } })
  t.match(await app.apiKeys.rateLimit(id), { max: 7, timeWindow: 3_600_000, remaining: 3 }, 'of a longer window all that were counted in it')
  await app.apiKeys.profiles.delete('ann')
  t.equal(await app.apiKeys.rateLimit(id), null)
  await t.rejects(app.apiKeys.rateLimit('00000000-0000-7000-8000-000000000000'), { code: 'FST_API_KEY_NOT_FOUND' })
  await t.rejects(app.apiKeys.rateLimit(7 as unknown as string), { code: 'FST_API_KEY_INVALID_ARGUMENT' })
})

t.test('what is left is counted by the store that the application gave, whichever process asks; of one that cannot tell it is not known', async (t) => {
  const counts = new Map<string, number>()
  class Readable {
    incr (key: string, done: (error: null, result: object) => void): void {
      counts.set(key, (counts.get(key) ?? 0) + 1)
      done(null, { current: counts.get(key), ttl: 30_000 })
    }

    read (key: string, done: (error: null, result: object) => void): void { done(null, { current: counts.get(key) ?? 0, ttl: counts.has(key) ? 30_000 : 0 }) }
    child (): object { return new Readable() }
  }
  class Unreadable {
    incr = new Readable().incr
    child (): object { return new Unreadable() }
  }
  const database = join(t.testdir(), 'keys.db')
  const build = async (store: new () => object) => {
    const app = bareServer(t)
    await app.register(rateLimit, { global: false, store: store as NonNullable<RateLimitPluginOptions['store']> })
    await app.register(apiKey, { database, rateLimit: { max: 5, timeWindow: '1m' } })
    app.get('/me', me)
    await app.ready()
    return app
  }
  const [one, two, blind] = [await build(Readable), await build(Readable), await build(Unreadable)]
  const { id, key } = await one.apiKeys.create('ann')
  t.equal((await ask(one, key)).status, 200)
  t.match(await two.apiKeys.rateLimit(id), { remaining: 4, resetsAt: Date })
  t.equal((await ask(blind, key)).status, 200)
  t.strictSame(await blind.apiKeys.rateLimit(id), { max: 5, timeWindow: 60_000, remaining: null, resetsAt: null })
  t.match(await one.apiKeys.rateLimit(id), { remaining: 3 })
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

t.test('where a store says what is no count or no time, what is left is not known, and the page of the key is there', async (t) => {
  for (const told of [{ current: -5, ttl: 30_000 }, { current: 2, ttl: 1e18 }]) {
    const app = bareServer(t)
    class Store {
      incr (_key: string, done: (error: null, result: typeof told) => void): void { done(null, told) }
      read (_key: string, done: (error: null, result: typeof told) => void): void { done(null, told) }
      child () { return new Store() }
    }
    await app.register(rateLimit, { global: false, store: Store })
    await app.register(apiKey, { database: ':memory:', getUser: () => ({ id: 'ann' }) })
    await app.ready()
    const { id } = await app.apiKeys.create('ann', { rateLimit: { max: 5, timeWindow: '1m' } })
    t.strictSame(await app.apiKeys.rateLimit(id), { max: 5, timeWindow: 60_000, remaining: null, resetsAt: null })
    const page = await app.inject(`/keys/${id}`)
    t.equal(page.statusCode, 200)
    t.match(page.body, '5 requests in 1 minute')
    t.notMatch(page.body, ' left</strong>')
  }
})

t.test('before the application is ready nothing checks rate limits, so a key that has one is refused', async (t) => {
  const { apiKeys } = await server(t)
  const { id, key } = await apiKeys.create('ann', { rateLimit: { max: 5, timeWindow: 1000 } })
  t.match(await apiKeys.rateLimit(id), { max: 5, remaining: null, resetsAt: null })
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
