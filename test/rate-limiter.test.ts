import { register } from 'node:module'
import { mock } from 'node:test'
import rateLimit from '@fastify/rate-limit'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { prepareLimiter } from '../lib/http/rate-limiter.js'
import { apiKey, type ApiKeyOptions } from '../lib/index.js'
import type { CheckRate, RateLimiter } from '../lib/keys/limiting.js'
import { bareServer, Log, T0, WARN } from './helpers/app.js'

const limit = { max: 2, timeWindow: 60_000 }

/** A store of @fastify/rate-limit that does what the test says. */
function storeThat (incr: (key: string, done: (error: Error | null, result?: { current: number, ttl: number }) => void) => void) {
  return class Store {
    incr = incr
    child () { return new Store() }
  }
}

/** What counts in an application that is ready. */
async function countingOf (app: FastifyInstance, cacheSize: number | false = false): Promise<RateLimiter> {
  const find = await prepareLimiter(app, cacheSize)
  await app.ready()
  const limiter = find()
  if (limiter === null) throw new Error('no limiter')
  return limiter
}

/** What checks requests there. */
async function limiterOf (app: FastifyInstance, cacheSize: number | false = false): Promise<CheckRate> {
  return (await countingOf(app, cacheSize)).check
}

function freezeTime (t: Test): void {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: T0 })
  t.teardown(() => mock.timers.reset())
}

t.test('each key has a counter and a limit of its own, in fixed windows', async (t) => {
  freezeTime(t)
  const check = await limiterOf(bareServer(t))
  t.strictSame(await check('one', limit), { isExceeded: false, max: 2, remaining: 1, reset: 60 })
  mock.timers.tick(30_500)
  t.strictSame(await check('one', limit), { isExceeded: false, max: 2, remaining: 0, reset: 30 })
  t.strictSame(await check('one', limit), { isExceeded: true, max: 2, remaining: 0, reset: 30 })
  t.match(await check('two', { max: 1, timeWindow: 1000 }), { isExceeded: false, reset: 1 })
  mock.timers.tick(29_500)
  t.match(await check('one', limit), { isExceeded: false, remaining: 1 }, 'the window did not slide with the last request')
})

t.test('of requests at the same time as many pass as the limit allows', async (t) => {
  const check = await limiterOf(bareServer(t))
  const answers = await Promise.all(Array.from({ length: 20 }, () => check('one', limit)))
  t.equal(answers.filter(({ isExceeded }) => !isExceeded).length, 2)
  t.strictSame(answers.slice(0, 3).map(({ remaining }) => remaining), [1, 0, 0])
})

t.test('a store that takes its time is asked for all of them at once, also when it failed before', async (t) => {
  const asked: ((error: Error | null, result?: { current: number, ttl: number }) => void)[] = []
  const app = bareServer(t)
  await app.register(rateLimit, { global: false, store: storeThat((_key, done) => asked.push(done)) })
  const check = await limiterOf(app)
  const answers = Promise.allSettled(Array.from({ length: 20 }, () => check('one', limit)))
  while (asked.length < 20) await new Promise((resolve) => setImmediate(resolve))
  asked.forEach((done, i) => i === 0 ? done(new Error('no connection')) : done(null, { current: i, ttl: 1000 }))
  t.equal((await answers).filter(({ status }) => status === 'fulfilled').length, 19)
  const next = Promise.allSettled([check('one', limit), check('one', limit)])
  while (asked.length < 21) await new Promise((resolve) => setImmediate(resolve))
  asked[20]?.(new Error('no connection'))
  while (asked.length < 22) await new Promise((resolve) => setImmediate(resolve))
  asked[21]?.(null, { current: 1, ttl: 1000 })
  t.strictSame((await next).map(({ status }) => status), ['rejected', 'fulfilled'])
})

t.test('more keys than the package counts by default are all held to their limits', async (t) => {
  const check = await limiterOf(bareServer(t), 6000)
  for (let round = 0; round < 2; round++) for (let i = 0; i < 6000; i++) await check(`key ${i}`, { max: 1, timeWindow: 60_000 })
  let exceeded = 0
  for (let i = 0; i < 6000; i++) if ((await check(`key ${i}`, { max: 2, timeWindow: 60_000 })).isExceeded) exceeded++
  t.equal(exceeded, 6000)
})

t.test("the application's own registration is used with its store, and none of its settings lets anybody pass", async (t) => {
  const seen: string[] = []
  const Store = storeThat((key, done) => {
    seen.push(key)
    done(null, { current: 3, ttl: 1500 })
  })
  const app = bareServer(t)
  await app.register(rateLimit, { global: false, store: Store, allowList: () => true, skipOnError: true, max: 1_000_000, keyGenerator: () => 'all' })
  const check = await limiterOf(app)
  t.strictSame(await check('one', limit), { isExceeded: true, max: 2, remaining: 0, reset: 2 })
  t.strictSame(seen, ['api-key:one'])
})

t.test("the application's registration is used when it comes later too, and beside it routes keep their own limits", async (t) => {
  const seen: string[] = []
  const app = bareServer(t)
  const find = await prepareLimiter(app, false)
  await app.register(rateLimit, { global: false, store: storeThat((key, done) => { seen.push(key); done(null, { current: 1, ttl: 1000 }) }) })
  app.get('/', { config: { rateLimit: { max: 5 } } }, async () => 'here')
  await app.ready()
  await find()?.check('one', limit)
  t.strictSame(seen, ['api-key:one'])
  t.equal((await app.inject('/')).headers['x-ratelimit-limit'], '5')
})

t.test('a store that fails or does not answer refuses, also where the application would let pass', async (t) => {
  const failing = bareServer(t)
  await failing.register(rateLimit, { global: false, skipOnError: true, store: storeThat((_key, done) => done(new Error('no connection'))) })
  await t.rejects((await limiterOf(failing))('one', limit), { message: 'no connection' })

  freezeTime(t)
  const silent = bareServer(t)
  await silent.register(rateLimit, { global: false, store: storeThat(() => {}) })
  const answer = (await limiterOf(silent))('one', limit)
  // The package asks for its key first.
  for (let i = 0; i < 10; i++) await Promise.resolve()
  mock.timers.tick(1000)
  await t.rejects(answer, { message: 'the store of @fastify/rate-limit did not answer in time' })
})

t.test('an answer that does not say whether the limit is exceeded refuses', async (t) => {
  for (const create of [
    () => async () => ({ isAllowed: true, key: 'one' }), () => async () => null, () => async () => ({ isExceeded: false, remaining: 1 }),
    () => async () => ({ isExceeded: 'no', remaining: 1, ttlInSeconds: 1 }), () => 'nothing',
    () => async () => ({ isExceeded: false, remaining: NaN, ttlInSeconds: 1 }), () => async () => ({ isExceeded: false, remaining: 1, ttlInSeconds: NaN })
  ]) {
    const app = bareServer(t)
    app.decorate<unknown>('createRateLimit', create)
    await t.rejects((await limiterOf(app))('one', limit), { message: /^@fastify\/rate-limit / })
  }
})

t.test('a look at a counter counts nothing, whatever is asked for', async (t) => {
  freezeTime(t)
  const { check, peek } = await countingOf(bareServer(t))
  const look = () => peek?.('one', limit)
  t.match(await look(), { max: 2, remaining: 2, reset: 0 })
  await check('one', limit)
  mock.timers.tick(30_500)
  for (let i = 0; i < 5; i++) t.match(await look(), { max: 2, remaining: 1, reset: 30 })
  t.match(await peek?.('one', { max: 10, timeWindow: 60_000 }), { max: 10, remaining: 9 }, 'of a limit that was changed')
  t.match(await check('one', limit), { isExceeded: false, remaining: 0 })
  await check('one', limit)
  t.match(await look(), { remaining: 0, reset: 30 })
  mock.timers.tick(29_500)
  t.match(await look(), { remaining: 2, reset: 0 })
})

t.test('a version of the package that would count each look is not asked for any', async (t) => {
  const app = bareServer(t)
  app.decorate<unknown>('createRateLimit', () => async (_request: unknown) => ({ isExceeded: false, remaining: 1, ttlInSeconds: 1 }))
  const { check, peek } = await countingOf(app)
  t.match(await check('one', limit), { isExceeded: false, remaining: 1 })
  t.equal(peek, null)
})

t.test('without the package there is no limiter', async (t) => {
  const app = bareServer(t)
  const find = await prepareLimiter(app, false, async () => { throw new Error('not installed') })
  await app.ready()
  t.equal(find(), null)
})

t.test('a rate limit that nothing can check stops the start and says what to install', async (t) => {
  register("data:text/javascript,export function resolve (name, context, next) { if (name === '@fastify/rate-limit') throw new Error('not installed'); return next(name, context) }")
  const start = async (options: ApiKeyOptions) => {
    const app = Fastify()
    t.teardown(() => app.close())
    app.register(apiKey, { database: ':memory:', ...options })
    await app.ready()
    return app
  }
  for (const [name, options] of [['rateLimit', { rateLimit: limit }], ['groups.free.rateLimit', { groups: { all: {}, free: { rateLimit: limit } } }]] as const) {
    await t.rejects(start(options), { code: 'FST_API_KEY_INVALID_OPTION', message: `The option ${name} must be left out, as long as @fastify/rate-limit is not installed; install it with: npm install @fastify/rate-limit, got a limit` })
  }
  const { apiKeys } = await start({})
  t.pass('without a limit nothing is missing')

  const { id } = await apiKeys.create('ann', { rateLimit: false })
  const calls: [() => Promise<unknown>, string][] = [
    [() => apiKeys.create('ann', { rateLimit: limit }), 'rateLimit'],
    [() => apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann', rateLimit: limit }]), '[1].rateLimit'],
    [() => apiKeys.update(id, { rateLimit: limit }), 'rateLimit'],
    [() => apiKeys.profiles.create('bob', { rateLimit: limit }), 'rateLimit'],
    [() => apiKeys.profiles.update('ann', { rateLimit: limit }), 'rateLimit']
  ]
  for (const [call, name] of calls) await t.rejects(call(), { code: 'FST_API_KEY_INVALID_ARGUMENT', message: `${name} must be left out, as long as @fastify/rate-limit is not installed` })
  await t.resolves(apiKeys.profiles.update('ann', { rateLimit: null }))

  const log = new Log()
  for (const isSet of [false, true]) {
    const app = Fastify({ logger: { level: 'warn', stream: log.stream } })
    t.teardown(() => app.close())
    await app.register(apiKey, { database: ':memory:' })
    await app.apiKeys.create('ann', isSet ? { rateLimit: limit } : {})
    await app.ready()
    t.equal(log.messages(WARN).length, isSet ? 1 : 0)
  }
  t.match(log.messages(WARN), [/^a rate limit was set before it was known that nothing counts it.*npm install @fastify\/rate-limit$/])
})
