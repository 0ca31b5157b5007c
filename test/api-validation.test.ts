import fc from 'fast-check'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import t from 'tap'
import apiKey from '../lib/index.js'
import { internalsOf } from '../lib/keys/service.js'
import { bareServer, HEADER } from './helpers/app.js'
import { buildApi, callApi, manager } from './helpers/api.js'
import { userOf } from './helpers/pages.js'

const ANN = { user: 'ann' }
const INVALID = { statusCode: 400, code: 'FST_API_KEY_INVALID_ARGUMENT', error: 'Bad Request' }

const WRONG: [body: unknown, message: string | RegExp][] = [
  [{ name: 5 }, 'name must be text of at most 100 characters without control characters, got 5'],
  [{ name: null }, /^name must be text .*, got null$/],
  [{ name: 'x'.repeat(101) }, /^name must be text .*, got a string of 101 characters$/],
  [{ name: 'a\u0000b' }, /^name must be text/],
  [{ naem: 'x' }, /^naem must be one of name, scopes, .* got an unknown name$/],
  [{ metadata: {} }, /^metadata must be one of/],
  [{ key: 'ak_mine' }, /^key must be one of/],
  [{ ['x'.repeat(5000)]: 1 }, /^x{100} must be one of/],
  [{ constructor: 1 }, /^constructor must be one of/],
  [{ 'a/b~c': 1 }, /^a\/b~c must be one of/],
  [{ scopes: 'a' }, /^scopes must be a list .* got a string of 1 characters$/],
  [{ scopes: ['a', 'a'] }, /^scopes must be a list of at most 100 different scopes/],
  [{ scopes: [1] }, /^scopes must be a list .* got an array with 1$/],
  [{ scopes: ['with blank'] }, /^scopes/],
  [{ expiresAt: 1_900_000_000_000 }, "expiresAt must be a time in the future such as '2030-01-31T12:00:00Z' (RFC 3339), or null for never, got 1900000000000"],
  [{ expiresAt: '2030-02-30T12:00:00Z' }, /^expiresAt/],
  [{ expiresAt: '2030-02-28T24:00:00Z' }, /^expiresAt/],
  [{ expiresAt: '2030-02-28T12:00:60Z' }, /^expiresAt/],
  [{ expiresAt: '2030-02-28' }, /^expiresAt/],
  [{ expiresAt: '2030-02-28T12:00:00' }, /^expiresAt/],
  [{ expiresAt: 'next week' }, /^expiresAt/],
  [{ expiresAt: '2001-01-01T00:00:00Z' }, /^expiresAt must be a time in the future/],
  [{ expiresAt: '2030-01-01T00:00:00Z', expiresIn: '1d' }, /^expiresIn must be left out where expiresAt is given/],
  [{ expiresIn: '90' }, /^expiresIn must be a whole number of milliseconds/],
  [{ expiresIn: 1.5 }, /^expiresIn/],
  [{ expiresIn: true }, /^expiresIn/],
  [{ expiresIn: null }, /^expiresIn/],
  [{ allowedIps: [] }, /^allowedIps must be a list of 1 to 100/],
  [{ allowedIps: ['localhost'] }, /^allowedIps/],
  [{ allowedIps: '127.0.0.1' }, /^allowedIps/],
  [{ rateLimit: 'x' }, /^rateLimit must be an object with max and timeWindow, false for none/],
  [{ rateLimit: true }, /^rateLimit must be/],
  [{ rateLimit: 0 }, /^rateLimit must be .* got 0$/],
  [{ rateLimit: { max: 5 } }, /^rateLimit.timeWindow must be a whole number of milliseconds.* got undefined$/],
  [{ rateLimit: { max: '5', timeWindow: '1m' } }, 'rateLimit.max must be a whole number from 1 to 1000000000, got a string of 1 characters'],
  [{ rateLimit: { max: 5, timeWindow: '1m', x: 1 } }, 'rateLimit.x must be one of max, timeWindow, got an unknown name'],
  [{ rateLimit: { max: 5, timeWindow: 1 } }, /^rateLimit.timeWindow must be from 1 second to 31 days/],
  [{ quota: {} }, /^quota.max must be/],
  [{ quota: { max: 1, every: 'x' } }, /^quota.every must be/],
  [[], 'the body must be an object, got an array'],
  [null, 'the body must be an object, got null'],
  [5, 'the body must be an object, got 5']
]

t.test('mistyped and unknown properties are refused, by name and with what is allowed, and nothing is done', async (t) => {
  const { app, call } = await buildApi(t)
  const { id, key } = await manager(app)
  for (const who of [ANN, { key }]) {
    for (const [body, message] of WRONG) {
      for (const [method, path] of [['POST', ''], ['PATCH', `/${id}`]] as const) t.match((await call(who, method, path, body)).json(), { ...INVALID, message }, `${method} ${JSON.stringify(body)}`)
    }
    t.match((await call(who, 'POST', '', { enabled: true })).json(), { ...INVALID, message: /^enabled must be one of/ })
    t.match((await call(who, 'POST', '', { nonce: 'short' })).json(), { ...INVALID, message: /^nonce must be text of 16/ })
    for (const enabled of ['false', 0, null]) t.match((await call(who, 'PATCH', `/${id}`, { enabled })).json(), { ...INVALID, message: /^enabled must be a boolean, got/ })
    t.match((await call(who, 'PATCH', `/${id}`, { nonce: 'n'.repeat(16) })).json(), { ...INVALID, message: /^nonce must be one of/ })
    for (const [body, message] of [[{ overlap: -1 }, /^overlap must be how long/], [{ overlap: '1x' }, /^overlap/], [{ x: 1 }, /^x must be one of overlap/], [[], /^the body/]] as const) {
      t.match((await call(who, 'POST', `/${id}/rotate`, body)).json(), { ...INVALID, message })
    }
  }
  const [only, ...others] = await app.apiKeys.list('ann')
  t.match(only, { name: '', enabled: true, rotatedAt: null })
  t.strictSame(others, [])
})

t.test('a query is read strictly: what is no number or boolean is not taken for one', async (t) => {
  const { app, call } = await buildApi(t)
  const { id } = await app.apiKeys.create('ann')
  for (const [query, message] of [
    ['?limit=0', 'limit must be a whole number from 1 to 1000, got 0'], ['?limit=1001', /^limit/], ['?limit=05', /^limit/], ['?limit=1e2', /^limit/], ['?limit=%205', /^limit/], ['?limit=', /^limit/],
    ['?limit=5&limit=6', /^limit .* got an array$/], ['?live=1', /^live must be true for the live keys/], ['?live=True', /^live/], ['?live=', /^live/],
    ['?search=', /^search must be text of 1 to 24/], [`?search=${'x'.repeat(25)}`, /^search must be text of 1 to 24/], ['?cursor=', /^cursor/], ['?unknown=1', /^unknown must be one of search, live, limit, cursor/], ['?__proto__=1', /^__proto__ must be one of/]
  ] as const) t.match((await call(ANN, 'GET', query)).json(), { ...INVALID, message }, query)
  for (const [path, message] of [
    ['/usage?from=2030', /^from must be a day such as '2030-01-31'/], ['/usage?to=2030-13-01', /^to must be a/], ['/usage?from=2030-01-02&to=2030-01-01', /^from must be no later than to/],
    ['/history?cursor=x', /^cursor/], ['/history?cursor=0', /^cursor/], ['/history?cursor=99999999999999999999', /^cursor/], ['?x=1', 'x must be left out, got an unknown name']
  ] as const) t.match((await call(ANN, 'GET', `/${id}${path}`)).json(), { ...INVALID, message }, path)
  t.match((await call(ANN, 'DELETE', `/${id}?reason=${'x'.repeat(201)}`)).json(), { ...INVALID, message: /^reason must be text of at most 200/ })
  t.match((await call(ANN, 'DELETE', `/${id}?because=x`)).json(), { ...INVALID, message: /^because must be one of reason/ })
  for (const body of [{ reason: 'leaked' }, [], null]) t.match((await call(ANN, 'DELETE', `/${id}`, body)).json(), { ...INVALID, message: /^the body must be left out, as a reason belongs into the query, got/ })
  t.equal((await app.apiKeys.get(id))?.state, 'active')
  t.match((await call(ANN, 'DELETE', `/${id}?reason=leaked`, {})).json(), { state: 'revoked', revokedReason: 'leaked' }, 'some clients send an empty object')
})

t.test('whatever JSON is sent, the answer is a key that is as was said, or a refusal', async (t) => {
  const { app, call } = await buildApi(t)
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom<unknown>(null, false, true, 0, '', '1d', 'a', ['a'], ['127.0.0.1'], { max: 1, timeWindow: '1s' }, '2030-01-01T00:00:00Z'))
  const names = ['name', 'scopes', 'expiresAt', 'expiresIn', 'allowedIps', 'rateLimit', 'quota', 'nonce', 'enabled', 'userId', '__proto__', 'toString']
  const body = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 3 })
  const statuses = new Set<number>()
  await fc.assert(fc.asyncProperty(fc.oneof(body, fc.jsonValue({ maxDepth: 2 })), async (body) => {
    const response = await call(ANN, 'POST', '', JSON.stringify(body))
    statuses.add(response.statusCode)
    const answer = response.json()
    if (response.statusCode !== 201) return (response.statusCode === 400 || response.statusCode === 409 || response.statusCode === 403) && typeof answer.code === 'string'
    const { name = '', scopes = [], allowedIps = null } = body as Record<string, unknown>
    return JSON.stringify([answer.name, answer.scopes, answer.allowedIps]) === JSON.stringify([name, scopes, allowedIps]) && answer.userId === 'ann'
  }), { numRuns: 500 })
  t.ok(statuses.has(201) && statuses.has(400), [...statuses].join())
  t.ok((await app.apiKeys.list('ann')).length > 0)
})

t.test('bodies are JSON, of a size that keys need', async (t) => {
  const { call } = await buildApi(t)
  for (const [body, type, status, code] of [
    ['{', 'application/json', 400, 'FST_ERR_CTP_INVALID_JSON_BODY'], ['', 'application/json', 400, 'FST_API_KEY_INVALID_ARGUMENT'],
    ['{"__proto__": {"x": 1}}', 'application/json', 400, undefined], ['name=x', 'application/x-www-form-urlencoded', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'],
    ['{}', 'text/plain', 415, 'FST_ERR_CTP_INVALID_MEDIA_TYPE'], [JSON.stringify({ name: 'x'.repeat(70_000) }), 'application/json', 413, 'FST_ERR_CTP_BODY_TOO_LARGE']
  ] as const) {
    const response = await call(ANN, 'POST', '', body, { 'content-type': type })
    t.equal(response.statusCode, status, response.body)
    if (code !== undefined) t.equal(response.json().code, code)
  }
})

t.test('an application with compilers, parsers and a serializer of its own changes nothing', async (t) => {
  const app = bareServer(t)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.setReplySerializer(() => 'from another serializer')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body)
  await app.register(apiKey, { database: ':memory:', api: true, getUser: userOf, pages: false })
  const made = await callApi(app, ANN, 'POST', '', { name: 'x', scopes: ['api-keys:manage'] })
  t.match([made.statusCode, made.json()], [201, { name: 'x' }])
  const key = { key: made.json().key }
  t.equal((await callApi(app, key, 'PATCH', `/${made.json().id}`, { name: 'y' })).json().name, 'y')
  t.match((await callApi(app, key, 'PATCH', `/${made.json().id}`, { name: 5 })).json(), { ...INVALID, message: /^name must be text/ })
  t.match((await callApi(app, key, 'GET', '/nothing')).json(), { statusCode: 404, code: 'FST_API_KEY_NOT_FOUND', error: 'Not Found', message: 'No API key has the id "…"' })
  t.match((await callApi(app, key, 'DELETE', `/${made.json().id}`, undefined, { 'content-type': 'application/json' })).json(), { state: 'revoked' })
})

t.test('errors look as all others of the application', async (t) => {
  const app = bareServer(t)
  app.setErrorHandler(async (error: Error & { code?: string, statusCode?: number }, _request, reply) => {
    return await reply.code(error.statusCode ?? 500).send({ problem: error.code })
  })
  await app.register(apiKey, { database: ':memory:', api: true, getUser: userOf, pages: false })
  for (const [who, method, path, body, status, problem] of [
    [ANN, 'POST', '', { name: 5 }, 400, 'FST_API_KEY_INVALID_ARGUMENT'], [ANN, 'GET', '/x', undefined, 404, 'FST_API_KEY_NOT_FOUND'],
    [null, 'GET', '', undefined, 401, 'FST_API_KEY_MISSING'], [{ key: 'x' }, 'DELETE', '/self', undefined, 401, 'FST_API_KEY_INVALID']
  ] as const) {
    const response = await callApi(app, who, method, path, body)
    t.strictSame([response.statusCode, response.json()], [status, { problem }])
    t.equal(response.headers['www-authenticate'] !== undefined, status === 401)
  }
})

t.test('while the database does not answer, callers are told when to try again', async (t) => {
  const app = bareServer(t)
  app.setErrorHandler(async (error: Error & { code?: string, statusCode?: number }, _request, reply) => await reply.code(error.statusCode ?? 500).send({ code: error.code }))
  await app.register(apiKey, { database: ':memory:', api: true, getUser: userOf, pages: false })
  const { key } = await manager(app)
  t.equal((await callApi(app, { key }, 'GET', '/self')).statusCode, 200)
  await internalsOf(app.apiKeys).close()
  for (const response of [await callApi(app, ANN, 'GET'), await callApi(app, { key }, 'GET', '/self')]) t.match([response.statusCode, response.json(), response.headers['retry-after']], [503, { code: 'FST_API_KEY_UNAVAILABLE' }, '1'])
})

t.test('where scopes are declared, that of the API is too, and others are not taken', async (t) => {
  const { app, call } = await buildApi(t, { scopes: { a: 'A' } })
  app.get('/manage', { config: { apiKey: { scopes: ['api-keys:manage'] } } }, async () => 'x')
  const { key } = await manager(app, 'ann', { scopes: ['a'] })
  t.equal((await app.inject({ url: '/manage', headers: { [HEADER]: key } })).statusCode, 200)
  t.match((await call(ANN, 'POST', '', { scopes: ['b'] })).json(), { ...INVALID, message: 'scopes must be a list of different scopes of api-keys:manage, a, got an array with "b"' })
  const off = bareServer(t)
  await off.register(apiKey, { database: ':memory:', scopes: { a: 'A' } })
  await t.rejects(off.apiKeys.create('ann', { scopes: ['api-keys:manage'] }), { code: 'FST_API_KEY_INVALID_ARGUMENT' })
})
