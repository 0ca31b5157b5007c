import t from 'tap'
import { toRule } from '../lib/http/rule.js'
import apiKey, { type RouteApiKey } from '../lib/index.js'
import { ask, bareServer, ERROR, HEADER, Log, me, server } from './helpers/app.js'

const SCOPES: RouteApiKey = { scopes: ['buckets:read', 'buckets:write'] }

t.test('a route may be open, need a key, take one, or need scopes', async (t) => {
  for (const required of [true, false]) {
    const app = await server(t, { required })
    app.get('/open', { config: { apiKey: false } }, me)
    app.get('/closed', { config: { apiKey: true } }, me)
    app.get('/optional', { config: { apiKey: 'optional' } }, me)
    app.get('/scoped', { config: { apiKey: SCOPES } }, me)
    app.get('/silent', { config: {} }, me)
    const { id, key } = await app.apiKeys.create('ann')
    const status = async (url: string, key?: string) => (await ask(app, key, url)).status
    t.strictSame([await status('/open'), await status('/open', key), await status('/open', 'bad')], [200, 200, 200])
    t.strictSame((await ask(app, key, '/open')).body, { user: null }, 'an open route does not look')
    t.strictSame([await status('/closed'), await status('/closed', key), await status('/closed', 'bad')], [401, 200, 401])
    t.strictSame([await status('/optional'), await status('/optional', key), await status('/optional', 'bad')], [200, 200, 401])
    t.strictSame([await status('/scoped'), await status('/scoped', key), await status('/scoped', 'bad')], [401, 403, 401])
    for (const url of ['/silent', '/me']) t.strictSame([await status(url), await status(url, key), await status(url, 'bad')], [required ? 401 : 200, 200, 401])
    t.match((await ask(app, key, '/optional')).body, { user: { keyId: id } })
    t.strictSame((await ask(app, undefined, '/optional')).body, { user: null })
    await app.apiKeys.revoke(id)
    t.match(await ask(app, key, '/optional'), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } }, 'optional with a bad key is 401')
  }
})

t.test('a key without scopes has none, and is told which are missing', async (t) => {
  const app = await server(t, { header: ['Authorization', 'X-Api-Authorization'] })
  app.get('/scoped', { config: { apiKey: SCOPES } }, me)
  const { key } = await app.apiKeys.create('ann')
  const bearer = await app.inject({ url: '/scoped', headers: { authorization: `Bearer ${key}` } })
  t.match(bearer.json(), { statusCode: 403, code: 'FST_API_KEY_INSUFFICIENT_SCOPE', message: 'The API key lacks these scopes: buckets:read, buckets:write' })
  t.equal(bearer.headers['www-authenticate'], 'Bearer realm="API", error="insufficient_scope", scope="buckets:read buckets:write", ApiKey realm="API", header="X-Api-Authorization"')
  const plain = await app.inject({ url: '/scoped', headers: { [HEADER]: key } })
  t.equal(plain.headers['www-authenticate'], 'Bearer realm="API", ApiKey realm="API", header="X-Api-Authorization", error="insufficient_scope", scope="buckets:read buckets:write"')
})

const WRONG: unknown[] = [
  null, 0, 1, '', 'false', 'required', 'Optional', [], ['read'], {}, () => false, { scopes: [] }, { scopes: 'read' }, { scopes: [''] }, { scopes: ['a b'] },
  { scopes: ['a"b'] }, { scopes: ['a\\b'] }, { scopes: [1] }, { scopes: ['ä'] }, { scope: ['read'] }, { scopes: ['read'], optional: true }, { scopes: null }
]

t.test('anything else in config.apiKey throws when the route is added', async (t) => {
  const app = await server(t)
  for (const wrong of WRONG) {
    t.throws(() => app.get('/wrong', { config: { apiKey: wrong as RouteApiKey } }, me), {
      code: 'FST_API_KEY_INVALID_ROUTE_CONFIG', message: /^config\.apiKey of the route \/wrong must be false, true, 'optional' or \{ scopes: \[\.\.\.\] \} with at least one scope, got /
    })
  }
  t.doesNotThrow(() => app.get('/right', { config: { apiKey: { scopes: ['a:b/c.d~!'] } } }, me))
})

t.test('of a route from before the plugin was ready it is a 500 at the first request, and never an open route', async (t) => {
  const log = new Log()
  const app = bareServer(t, log)
  app.register(apiKey, { database: ':memory:' })
  for (const [i, wrong] of WRONG.entries()) app.get(`/wrong/${i}`, { config: { apiKey: wrong as RouteApiKey } }, me)
  app.get('/open', { config: { apiKey: false } }, me)
  await app.ready()
  const { key } = await app.apiKeys.create('ann')
  for (const i of WRONG.keys()) {
    for (const secret of [undefined, key]) t.match(await ask(app, secret, `/wrong/${i}`), { status: 500, body: { code: 'FST_API_KEY_INVALID_ROUTE_CONFIG' } })
  }
  t.equal(log.messages(ERROR).length, WRONG.length * 2)
  t.equal((await ask(app, undefined, '/open')).status, 200)
})

t.test('register without await guards the routes of the same tick too', async (t) => {
  const app = bareServer(t)
  app.register(apiKey, { database: ':memory:' })
  app.get('/me', me)
  app.all('/any', me)
  await app.ready()
  const { key } = await app.apiKeys.create('ann')
  t.equal((await ask(app)).status, 401)
  t.match(await ask(app, key), { status: 200, body: { user: { id: 'ann' } } })
  const preflight = { origin: 'https://example.org', 'access-control-request-method': 'GET' }
  t.equal((await app.inject({ method: 'OPTIONS', url: '/any', headers: preflight })).statusCode, 401)
})

t.test('routes in nested scopes and of later plugins are guarded', async (t) => {
  const app = await server(t)
  await app.register(async (child) => {
    child.get('/me', me)
    await child.register(async (grandchild) => { grandchild.get('/me', me) }, { prefix: '/v2' })
  }, { prefix: '/v1' })
  const { key } = await app.apiKeys.create('ann')
  for (const url of ['/v1/me', '/v1/v2/me']) t.strictSame([(await ask(app, undefined, url)).status, (await ask(app, key, url)).status], [401, 200])
})

t.test('HEAD asks what its GET asks, and an explicit HEAD route what it says itself', async (t) => {
  const app = await server(t)
  app.get('/open', { config: { apiKey: false } }, me)
  app.head('/explicit', { config: { apiKey: true } }, me)
  app.get('/explicit', { config: { apiKey: false } }, me)
  const { key } = await app.apiKeys.create('ann')
  const head = async (url: string, headers = {}) => (await app.inject({ method: 'HEAD', url, headers }))
  const refused = await head('/me')
  t.equal(refused.statusCode, 401)
  t.equal(refused.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization"')
  t.equal((await head('/me', { [HEADER]: key })).statusCode, 200)
  t.equal((await head('/open')).statusCode, 200)
  t.equal((await head('/explicit')).statusCode, 401)
  t.equal((await ask(app, undefined, '/explicit')).status, 200)
})

t.test('what does not exist follows the option required, since a not-found handler may serve content', async (t) => {
  const closed = await server(t)
  t.equal((await ask(closed, undefined, '/nowhere')).status, 401)
  const { key } = await closed.apiKeys.create('ann')
  t.equal((await ask(closed, key, '/nowhere')).status, 404)
  const open = await server(t, { required: false })
  t.equal((await ask(open, undefined, '/nowhere')).status, 404)
  t.equal((await ask(open, 'bad', '/nowhere')).status, 401)
})

t.test('a custom not-found handler runs behind the check, in its scope too', async (t) => {
  const app = bareServer(t)
  await app.register(apiKey, { database: ':memory:' })
  app.setNotFoundHandler(async (request, reply) => reply.code(404).send({ user: request.apiUser?.id ?? null }))
  await app.register(async (child) => {
    child.setNotFoundHandler(async (request, reply) => reply.code(404).send({ child: request.apiUser?.id ?? null }))
  }, { prefix: '/child' })
  const { key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, undefined, '/nowhere')).status, 401)
  t.strictSame(await ask(app, key, '/nowhere'), { status: 404, body: { user: 'ann' } })
  t.equal((await ask(app, undefined, '/child/nowhere')).status, 401)
  t.strictSame(await ask(app, key, '/child/nowhere'), { status: 404, body: { child: 'ann' } })
})

t.test('a request that matches only another method of the URL is guarded', async (t) => {
  const app = await server(t)
  t.equal((await app.inject({ method: 'DELETE', url: '/me' })).statusCode, 401)
})

t.test('the check comes before the body is read and validated', async (t) => {
  const app = await server(t)
  app.post('/things', { schema: { body: { type: 'object', required: ['name'] } } }, async () => 'made')
  const { key } = await app.apiKeys.create('ann')
  const post = async (headers = {}) => (await app.inject({ method: 'POST', url: '/things', payload: '{"broken', headers: { 'content-type': 'application/json', ...headers } })).statusCode
  t.equal(await post(), 401)
  t.equal(await post({ [HEADER]: key }), 400)
})

t.test('hooks of a route run behind the check and see the user', async (t) => {
  const app = await server(t)
  const seen: unknown[] = []
  const look = { onRequest: [async (request: { apiUser: unknown }) => { seen.push(request.apiUser) }] }
  app.get('/hooked', look, me)
  app.all('/hooked-all', { onRequest: async (request) => { seen.push(request.apiUser) } }, me)
  const { key } = await app.apiKeys.create('ann')
  for (const url of ['/hooked', '/hooked-all']) {
    await ask(app, undefined, url)
    await ask(app, key, url)
  }
  t.match(seen, [{ id: 'ann' }, { id: 'ann' }])
  t.equal(seen.length, 2)
})

t.test('a route needs all of its scopes from the key', async (t) => {
  const app = await server(t)
  const { key } = await app.apiKeys.create('ann', { scopes: ['buckets:read', 'objects:read'] })
  for (const [i, scopes] of [['buckets:read'], ['objects:read', 'buckets:read'], ['buckets:read', 'buckets:write']].entries()) app.get(`/${i}`, { config: { apiKey: { scopes } }, preHandler: app.verifyApiKey }, me)
  t.strictSame(await Promise.all(['/0', '/1', '/2'].map(async (url) => (await ask(app, key, url)).status)), [200, 200, 403])
  t.match((await ask(app, key, '/2')).body, { message: 'The API key lacks these scopes: buckets:write' })
})

t.test('what has no URL is named so in the error', async (t) => {
  t.throws(() => toRule('x', 'required', undefined), { message: /of the route without a URL must be/ })
})
