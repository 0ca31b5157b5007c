import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { OptionError, RegisteredError } from './errors.js'
import { addressOf } from './http/address.js'
import { api } from './http/api/api.js'
import { Guard } from './http/guard.js'
import { describeRoutes } from './http/openapi.js'
import { ExampleRoutes } from './http/pages/curl.js'
import { pages } from './http/pages/pages.js'
import { prepareLimiter } from './http/rate-limiter.js'
import type { RateLimiter } from './keys/limiting.js'
import { UNCOUNTED } from './limits.js'
import type { Internals } from './keys/internals.js'
import { MANAGE } from './keys/scopes.js'
import { ApiKeys, internalsOf, type ServiceLog } from './keys/service.js'
import { resolveOptions, type ApiKeyOptions, type Settings } from './options.js'
import { DEFAULT_DATABASE, describeDatabase, openStore, type StoreLog } from './store/open.js'

const NAME = 'fastify-apikey'

/** The plugin itself: wires the floors together and hands them to Fastify. */
async function plugin (app: FastifyInstance, options: ApiKeyOptions): Promise<void> {
  if (app.hasDecorator('apiKeys') || app.hasRequestDecorator('apiUser')) throw new RegisteredError()
  const settings = resolveOptions(options)
  const log = createLog(app)
  // Whether something counts rate limits is known when the application is ready. Until then they are taken.
  const rates = { areCounted: true, areSet: false }
  const countsRates = () => {
    rates.areSet = true
    return rates.areCounted
  }
  const service = new ApiKeys(await openStore(settings, log), { ...settings, countsRates }, log)
  const internals = internalsOf(service)
  await internals.recover()
  logStart(app, settings)

  const findLimiter = await prepareLimiter(app, settings.cacheSize)
  const guard = new Guard(internals.admission, settings)
  app.decorate('apiKeys', service)
  app.decorate('verifyApiKey', guard.verifyApiKey)
  app.decorateRequest('apiUser', null)
  app.decorateRequest('apiLogout', logout)
  app.addHook('onRoute', guard.onRoute)
  describeRoutes(app, settings.headers, (route) => guard.ruleOf(route))
  app.addHook('onRequest', guard.onRequest)
  app.addHook('onReady', async () => {
    const limiter = requireLimiter(findLimiter(), settings)
    rates.areCounted = limiter !== null
    if (rates.areSet && limiter === null) app.log.warn(`a rate limit was set before it was known that nothing counts it, and refuses; it must be ${UNCOUNTED}`)
    internals.admission.useLimiter(limiter)
  })
  app.addHook('onClose', () => internals.close())
  await registerPages(app, service, internals, settings, guard)
  if (settings.api !== null) await app.register(api, { ...settings.api, service, internals, guard, getUser: settings.getUser, settings })

  async function logout (this: FastifyRequest): Promise<void> {
    if (this.apiUser === null) return
    const ip = addressOf(this)
    await service.logout(this.apiUser.keyId, ip === null ? {} : { ip })
    this.apiUser = null
  }
}

/**
 * @throws FST_API_KEY_INVALID_OPTION when the options have a rate limit that nothing can check
 */
function requireLimiter (limiter: RateLimiter | null, { terms, groups }: Settings): RateLimiter | null {
  const limited = [['rateLimit', terms] as const, ...[...groups].map(([name, group]) => [`groups.${name}.rateLimit`, group] as const)].find(([, { rateMax }]) => rateMax)
  if (limiter === null && limited !== undefined) throw new OptionError(limited[0], UNCOUNTED, 'a limit')
  return limiter
}

/** Serves the pages in a scope of their own, when there are any. */
async function registerPages (app: FastifyInstance, service: ApiKeys, internals: Internals, settings: Settings, guard: Guard): Promise<void> {
  const { pages: own, getUser, realm, scopes, headers, required, now } = settings
  if (own === false || getUser === undefined) return
  const examples = new ExampleRoutes()
  // Without the option there is no field for scopes, so that keys which people make have none.
  let isScoped = scopes !== null
  app.addHook('onRoute', (route) => {
    const rule = guard.ruleOf(route)
    examples.consider(route, rule)
    if (isScoped || typeof rule === 'string' || rule.every((scope) => scope === MANAGE)) return
    isScoped = true
    app.log.warn({ route: route.url }, 'a route asks for scopes, and on the pages people can give their keys none: declare them with the option scopes')
  })
  await app.register(pages, { prefix: own.prefix, service, internals, settings: own, getUser, realm, scopes, headers, required, now, exampleFor: (scopes) => examples.find(scopes) })
}

function createLog ({ log }: FastifyInstance): ServiceLog & StoreLog {
  return {
    listenerFailed: (error, event) => log.error({ err: error, event }, 'a listener of an API key event failed'),
    refused: (refusal) => log.info(refusal, 'a request was refused'),
    refusedMore: (reasons, interval) => log.warn({ reasons, interval }, 'more requests were refused than are logged one by one'),
    writeFailed: (error) => log.error({ err: error }, 'the last use of API keys cannot be written; trying again every second'),
    writeRecovered: (lost) => log.info({ lost }, 'the last use of API keys is written again'),
    listeningFailed: (error) => log.error({ err: error }, 'changes of API keys by other nodes are not heard; every key is looked up in the database until they are'),
    preparingFailed: (error) => log.warn({ err: error }, 'the database, or a pooler before it, does not keep prepared statements apart; none are prepared any more, which costs the database more'),
    listeningAgain: (after) => log.info({ after }, 'changes of API keys by other nodes are heard again')
  }
}

function logStart ({ log }: FastifyInstance, { database, pages, getUser }: Settings): void {
  log.info({ database: describeDatabase(database) }, 'API keys are kept in this database')
  if (database === DEFAULT_DATABASE && process.env['NODE_ENV'] === 'production') {
    log.warn('API keys are kept in a file in the working directory; set the option database to choose the place')
  }
  if (pages !== false && getUser === undefined) log.info('no pages for API keys: they need the option getUser')
}

/** The plugin with a property by which TypeScript tells it from others, since `register` takes more for it than for those. */
export const apiKey = Object.assign(fp(plugin, { fastify: '5.x', name: NAME }), { packageName: NAME } as const)
