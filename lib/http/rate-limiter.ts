import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyPluginCallback } from 'fastify'
import { isFunction, isPlainObject } from '../checks.js'
import type { CheckRate, PeekRate, RateLimiter } from '../keys/limiting.js'
import type { RateLimit } from '../limits.js'

/*
 * Rate limits are counted by @fastify/rate-limit: by the one that the application registered in our scope or around it,
 * with its store, or else by one of our own that counts in memory. Its settings for requests at large are not ours, and
 * each that could let somebody pass is overruled.
 */

/** How long a store may take to count, in milliseconds. */
const TIMEOUT = 1000

/** Counters kept in memory at least; one that is forgotten begins anew. */
const MIN_COUNTERS = 100_000

/** What it is given in the place of a request. The configuration of a route, which it reads too, must not split a key's counter. */
interface Asked {
  readonly keyId: string
  readonly limit: RateLimit
  readonly routeOptions: { readonly config: object }
}

/** Loads the package, when it is installed. */
export type LoadRateLimit = () => Promise<{ readonly default: FastifyPluginCallback<{ global: boolean }> }>

const load: LoadRateLimit = () => import('@fastify/rate-limit')

/**
 * Prepares to count rate limits.
 *
 * @param cacheSize how many keys are kept in memory; there are counters for as many, and for 100,000 at least
 * @returns what finds the limiter once the application is ready, or null when the package is neither registered nor installed
 */
export async function prepareLimiter (app: FastifyInstance, cacheSize: number | false, loadPackage = load): Promise<() => RateLimiter | null> {
  const cache = Math.max(MIN_COUNTERS, Number(cacheSize))
  const scopes = [app]
  if (!('createRateLimit' in app)) await registerOwn(app, loadPackage, (scope) => scopes.push(scope))
  return () => {
    for (const scope of scopes) {
      const limiter = toLimiter(scope, cache)
      if (limiter !== null) return limiter
    }
    return null
  }
}

/** Registers the package, if it is installed, in a scope that nobody else sees. */
async function registerOwn (app: FastifyInstance, loadPackage: LoadRateLimit, use: (scope: FastifyInstance) => void): Promise<void> {
  const loaded = await loadPackage().catch(() => null)
  if (loaded === null) return
  await app.register(async (scope) => {
    await scope.register(loaded.default, { global: false })
    use(scope)
  })
}

function toLimiter (scope: FastifyInstance, cache: number): RateLimiter | null {
  const create: unknown = Reflect.get(scope, 'createRateLimit')
  if (!isFunction(create)) return null
  const count: unknown = Reflect.apply(create, scope, [{
    keyGenerator: ({ keyId }: Asked) => `api-key:${keyId}`,
    max: ({ limit }: Asked) => limit.max,
    timeWindow: ({ limit }: Asked) => limit.timeWindow,
    allowList: null,
    ban: -1,
    skipOnError: false,
    continueExceeding: false,
    exponentialBackoff: false,
    cache
  }])
  const ask = async (keyId: string, limit: RateLimit, ...options: object[]): ReturnType<CheckRate> => {
    if (!isFunction(count)) throw new Error('@fastify/rate-limit of this version cannot check by hand; install 11 or later')
    const asked: Asked = { keyId, limit, routeOptions: { config: {} } }
    const answer: unknown = await withinTime(Reflect.apply(count, scope, [asked, ...options]))
    return toState(answer, limit)
  }
  const peek: PeekRate = async (keyId, limit) => await ask(keyId, limit, { increment: false })
  // Versions that take no second argument would count the look as a request.
  return { check: oneAfterAnother((keyId, limit) => ask(keyId, limit)), peek: isFunction(count) && count.length > 1 ? peek : null }
}

/**
 * Checks requests of one key one after another. The store in memory gives all of them the same object, which is read only
 * when those that came at the same time are counted too, so that all of them would be refused, the first as the last. It
 * answers within the turn of the event loop; another store is not waited for any longer than that.
 */
function oneAfterAnother (check: CheckRate): CheckRate {
  const last = new Map<string, ReturnType<CheckRate>>()
  return (keyId, limit) => {
    const before = last.get(keyId)
    const ask = () => check(keyId, limit)
    const checked = before === undefined ? ask() : Promise.race([before, nextTurn()]).then(ask, ask)
    last.set(keyId, checked)
    const done = () => { if (last.get(keyId) === checked) last.delete(keyId) }
    checked.then(done, done)
    return checked
  }
}

/** Reads the answer. Anything unexpected throws, and so refuses. */
function toState (answer: unknown, { max }: RateLimit): Awaited<ReturnType<CheckRate>> {
  const { isExceeded, remaining, ttlInSeconds } = isPlainObject(answer) ? answer : {}
  // Of a store that gives no numbers, the package says that no limit is exceeded.
  if (typeof isExceeded !== 'boolean' || !isNumber(remaining) || !isNumber(ttlInSeconds)) {
    throw new Error('@fastify/rate-limit did not say whether the limit is exceeded')
  }
  return { isExceeded, max, remaining, reset: ttlInSeconds }
}

const isNumber = (value: unknown): value is number => Number.isFinite(value)

/** Gives up on a store that does not answer. */
async function withinTime (answer: unknown): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the store of @fastify/rate-limit did not answer in time')), TIMEOUT)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
