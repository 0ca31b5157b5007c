import auth from '@fastify/auth'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import t from 'tap'
import { z } from 'zod'
import apiKey from '../lib/index.js'
import { ask, bareServer, HEADER, me, server } from './helpers/app.js'

const CHALLENGE = 'ApiKey realm="API", header="X-Api-Authorization"'

t.test('a custom error handler gets our errors, and the challenge stays on the answer', async (t) => {
  for (const order of ['before', 'after']) {
    const app = bareServer(t)
    const handler = () => app.setErrorHandler(async (error: Error & { code?: string, statusCode?: number }, _request, reply) => {
      return reply.code(error.statusCode ?? 500).send({ custom: error.code })
    })
    if (order === 'before') handler()
    await app.register(apiKey, { database: ':memory:' })
    if (order === 'after') handler()
    app.get('/me', me)
    app.get('/scoped', { config: { apiKey: { scopes: ['x'] } } }, me)
    const { id, key } = await app.apiKeys.create('ann')
    const get = async (url: string, secret?: string) => {
      const { statusCode, headers, body } = await app.inject({ url, headers: secret === undefined ? {} : { [HEADER]: secret } })
      return [statusCode, headers['www-authenticate'], body]
    }
    t.strictSame(await get('/me'), [401, CHALLENGE, '{"custom":"FST_API_KEY_MISSING"}'])
    t.strictSame(await get('/me', 'bad'), [401, CHALLENGE, '{"custom":"FST_API_KEY_INVALID"}'])
    t.strictSame(await get('/scoped', key), [403, `${CHALLENGE}, error="insufficient_scope", scope="x"`, '{"custom":"FST_API_KEY_INSUFFICIENT_SCOPE"}'])
    await app.apiKeys.revoke(id)
    t.strictSame(await get('/me', key), [401, CHALLENGE, '{"custom":"FST_API_KEY_REVOKED"}'])
  }
})

t.test('zod compilers in the application change nothing', async (t) => {
  const app = bareServer(t)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await app.register(apiKey, { database: ':memory:' })
  app.withTypeProvider<ZodTypeProvider>().get('/buckets/:n', {
    schema: { params: z.object({ n: z.coerce.number() }), response: { 200: z.object({ n: z.number(), owner: z.string() }) } }
  }, async (request) => ({ n: request.params.n, owner: request.apiUser?.id ?? '' }))
  const { key } = await app.apiKeys.create('ann')
  t.strictSame(await ask(app, key, '/buckets/7'), { status: 200, body: { n: 7, owner: 'ann' } })
  t.match(await ask(app, undefined, '/buckets/7'), { status: 401, body: { code: 'FST_API_KEY_MISSING' } })
  t.equal((await ask(app, key, '/buckets/x')).status, 400)
})

t.test('verifyApiKey guards one scope where nothing else is required', async (t) => {
  const app = await server(t, { required: false })
  await app.register(async (child) => {
    child.addHook('onRequest', app.verifyApiKey)
    child.get('/me', me)
    child.get('/open', { config: { apiKey: false } }, me)
    child.get('/optional', { config: { apiKey: 'optional' } }, me)
    child.get('/scoped', { config: { apiKey: { scopes: ['x'] } } }, me)
    child.options('/only', async () => 'preflight')
  }, { prefix: '/private' })
  let logins = 0
  app.apiKeys.on('apiUserLoggedIn', () => logins++)
  const { key } = await app.apiKeys.create('ann')
  const status = async (url: string, key?: string) => (await ask(app, key, url)).status
  t.strictSame([await status('/me'), await status('/private/me'), await status('/private/open'), await status('/private/optional'), await status('/private/scoped')], [200, 401, 200, 200, 401])
  t.equal(logins, 0)
  t.strictSame([await status('/private/me', key), await status('/private/scoped', key)], [200, 403])
  t.equal(logins, 1, 'two checks of one request count once, a refused one not at all')
  const preflight = { origin: 'https://app.example', 'access-control-request-method': 'GET' }
  t.equal((await app.inject({ method: 'OPTIONS', url: '/private/only', headers: preflight })).statusCode, 200)
  t.equal((await app.inject({ method: 'OPTIONS', url: '/private/only' })).statusCode, 401)
})

t.test('verifyApiKey as a hook of single routes, of which a wrong config never opens one', async (t) => {
  const app = bareServer(t)
  app.register(apiKey, { database: ':memory:', required: false })
  app.after(() => {
    app.get('/me', { onRequest: app.verifyApiKey }, me)
    app.get('/pre', { preHandler: app.verifyApiKey }, me)
  })
  await app.ready()
  const { key } = await app.apiKeys.create('ann')
  for (const url of ['/me', '/pre']) {
    const missing = await app.inject(url)
    t.match(missing, { statusCode: 401, headers: { 'www-authenticate': CHALLENGE } })
    t.match(await ask(app, key, url), { status: 200, body: { user: { id: 'ann' } } })
  }
})

t.test('with @fastify/auth the key is one way in among others, or one of all', async (t) => {
  const app = await server(t, { required: false })
  await app.register(auth)
  const password = async (request: { headers: Record<string, unknown> }) => {
    if (request.headers['x-password'] !== 'sesame') throw Object.assign(new Error('wrong password'), { statusCode: 401 })
  }
  app.get('/either', { onRequest: app.auth([app.verifyApiKey, password]) }, me)
  app.get('/either-turned', { onRequest: app.auth([password, app.verifyApiKey]) }, me)
  app.get('/both', { onRequest: app.auth([app.verifyApiKey, password], { relation: 'and' }) }, me)
  const { key } = await app.apiKeys.create('ann')
  const get = async (url: string, headers: Record<string, string>) => {
    const response = await app.inject({ url, headers })
    return response.statusCode === 200 ? response.json().user?.id ?? 'nobody' : response.statusCode
  }
  const [withKey, withPassword] = [{ [HEADER]: key }, { 'x-password': 'sesame' }]
  for (const url of ['/either', '/either-turned']) {
    t.equal(await get(url, withKey), 'ann')
    t.equal(await get(url, withPassword), 'nobody')
    t.equal(await get(url, {}), 401)
  }
  t.equal(await get('/both', withKey), 401)
  t.equal(await get('/both', withPassword), 401)
  t.equal(await get('/both', { ...withKey, ...withPassword }), 'ann')
})

t.test('after apiLogout in a request there is no user, and a check there is a new login', async (t) => {
  const app = await server(t)
  const isNew: boolean[] = []
  app.apiKeys.on('apiUserLoggedIn', (event) => isNew.push(event.isNew))
  app.get('/again', {
    preHandler: [async (request) => { await request.apiLogout() }, app.verifyApiKey]
  }, me)
  const { key } = await app.apiKeys.create('ann')
  t.match(await ask(app, key, '/again'), { status: 200, body: { user: { id: 'ann' } } })
  t.strictSame(isNew, [true, true])
})

t.test('an application with response schemas for errors still answers 401 and 403', async (t) => {
  const app = await server(t)
  app.get('/schema', { schema: { response: { 401: { type: 'object', properties: { message: { type: 'string' } } } } } }, me)
  const response = await app.inject('/schema')
  t.equal(response.statusCode, 401)
  t.match(response.json(), { message: /An API key is required/ })
})

t.test('keys go on working while the server is closing, and the database is closed after the last request', async (t) => {
  const app = await server(t)
  let answer = () => {}
  app.get('/slow', async (request) => {
    await new Promise<void>((resolve) => { answer = resolve })
    return { user: request.apiUser }
  })
  const { key } = await app.apiKeys.create('ann')
  const slow = ask(app, key, '/slow')
  while ((await app.apiKeys.list('ann'))[0]?.lastUsedAt === null) await new Promise(setImmediate)
  answer()
  t.match(await slow, { status: 200, body: { user: { id: 'ann' } } })
  await app.close()
  await t.rejects(app.apiKeys.list('ann'), { code: 'FST_API_KEY_UNAVAILABLE' })
})
