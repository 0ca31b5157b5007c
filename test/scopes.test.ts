import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { ask, bareServer, Log, me, server, WARN } from './helpers/app.js'
import apiKey, { type ApiKeyOptions } from '../lib/index.js'
import { onEachEngine } from './helpers/engines.js'

const scopes = { 'buckets:read': 'List and read buckets', 'buckets:write': 'Change buckets', admin: 'Everything' }

onEachEngine("what counts are the key's scopes within those of its profile or group, from the next request on", async (t, database) => {
  const app = await server(t, { ...database, scopes, groups: { readers: { scopes: ['buckets:read'] } } })
  app.get('/read', { config: { apiKey: { scopes: ['buckets:read'] } } }, me)
  app.get('/write', { config: { apiKey: { scopes: ['buckets:read', 'buckets:write'] } } }, me)
  const { id, key } = await app.apiKeys.create('ann', { scopes: ['buckets:read', 'buckets:write'] })
  const { key: none } = await app.apiKeys.create('ann')
  const statuses = async () => [(await ask(app, key, '/read')).status, (await ask(app, key, '/write')).status]
  const scopesOf = async () => (await ask(app, key)).body.user?.['scopes']

  t.strictSame(await statuses(), [200, 200])
  t.strictSame(await scopesOf(), ['buckets:read', 'buckets:write'])
  t.match(await ask(app, none, '/read'), { status: 403, body: { code: 'FST_API_KEY_INSUFFICIENT_SCOPE', message: 'The API key lacks these scopes: buckets:read' } })
  await app.apiKeys.profiles.update('ann', { group: 'readers' })
  t.strictSame(await statuses(), [200, 403])
  t.strictSame(await scopesOf(), ['buckets:read'])
  t.strictSame((await app.apiKeys.get(id))?.scopes, ['buckets:read', 'buckets:write'], 'the key keeps what it was given')
  await app.apiKeys.profiles.update('ann', { scopes: ['buckets:write'] })
  t.strictSame(await statuses(), [403, 403], 'its own value wins over that of the group')
  await app.apiKeys.profiles.update('ann', { scopes: null, group: null })
  t.strictSame(await statuses(), [200, 200])
  await app.apiKeys.update(id, { scopes: [] })
  t.strictSame(await statuses(), [403, 403])
})

t.test('a key gets no scope that its profile or group does not allow', async (t) => {
  const { apiKeys } = await server(t, { scopes, groups: { readers: { scopes: ['buckets:read'] }, none: { scopes: [] } } })
  await apiKeys.profiles.create('ann', { group: 'readers' })
  const refusal = {
    code: 'FST_API_KEY_SCOPE_NOT_ALLOWED', statusCode: 403, message: 'The keys of the user "ann" may have these scopes: buckets:read, and not admin'
  }
  await t.rejects(apiKeys.create('ann', { scopes: ['buckets:read', 'admin'] }), refusal)
  await t.rejects(apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann', scopes: ['admin'] }]), refusal)
  t.strictSame(await apiKeys.list('ann'), [])
  const { id } = await apiKeys.create('ann', { scopes: ['buckets:read'] })
  await t.rejects(apiKeys.update(id, { scopes: ['admin'], name: 'x' }), refusal)
  t.match(await apiKeys.get(id), { name: '', scopes: ['buckets:read'] })
  await apiKeys.profiles.update('ann', { group: 'none' })
  await t.rejects(apiKeys.create('ann', { scopes: ['admin'] }), { message: /may have these scopes: none, and not admin/ })
  t.match(await apiKeys.profiles.update('ann', { scopes: ['admin'] }), { scopes: ['admin'], group: 'none' })
  t.match(await apiKeys.create('ann', { scopes: ['admin'] }), { scopes: ['admin'] })
})

t.test('an unknown scope is refused with those that there are', async (t) => {
  const { apiKeys } = await server(t, { scopes })
  await t.rejects(apiKeys.create('ann', { scopes: ['buckets:delete'] }), {
    code: 'FST_API_KEY_INVALID_ARGUMENT', message: 'scopes must be a list of different scopes of buckets:read, buckets:write, admin, got an array with "buckets:delete"'
  })
  t.equal(await apiKeys.profiles.get('ann'), null)
})

t.test('without the option any well-formed scope is taken', async (t) => {
  const app = await server(t)
  app.get('/x', { config: { apiKey: { scopes: ['any/thing?'] } } }, me)
  t.equal((await ask(app, (await app.apiKeys.create('ann', { scopes: ['any/thing?'] })).key, '/x')).status, 200)
  for (const scopes of [['a b'], ['é'], ['"'], ['x'.repeat(101)], Array.from({ length: 101 }, (_, i) => String(i))]) {
    await t.rejects(app.apiKeys.create('ann', { scopes }), { code: 'FST_API_KEY_INVALID_ARGUMENT', message: /a list of at most 100 different scopes, each 1 to 100 printable ASCII/ })
  }
})

t.test('a scope that is no longer declared counts for nothing', async (t) => {
  const database = `${t.testdir()}/keys.db`
  const before = await server(t, { database, scopes, groups: { all: { scopes: ['admin', 'buckets:read'] } } })
  await before.apiKeys.profiles.create('bob', { scopes: ['admin', 'buckets:read'] })
  const { key } = await before.apiKeys.create('ann', { scopes: ['admin', 'buckets:read'] })
  const { key: bobs } = await before.apiKeys.create('bob', { scopes: ['admin', 'buckets:read'] })
  await before.close()
  const app = await server(t, { database, scopes: { 'buckets:read': 'Read' } })
  for (const secret of [key, bobs]) t.strictSame((await ask(app, secret)).body.user?.['scopes'], ['buckets:read'])
})

t.test('a route that asks for an undeclared scope fails at start-up', async (t) => {
  const app = await server(t, { scopes })
  const add = () => app.get('/x', { config: { apiKey: { scopes: ['admin', 'buckets:delete'] } } }, me)
  t.throws(add, {
    code: 'FST_API_KEY_UNDECLARED_SCOPE',
    message: 'The route /x asks for scopes that are not declared: buckets:delete. Declared are: buckets:read, buckets:write, admin'
  })
})

t.test('one that start-up could not see answers 500 at each request, with and without a key', async (t) => {
  const app = bareServer(t)
  app.register(apiKey, { database: ':memory:', scopes })
  let runs = 0
  app.get('/x', { config: { apiKey: { scopes: ['buckets:delete'] } } }, async () => { runs += 1 })
  await app.ready()
  const { key } = await app.apiKeys.create('ann', { scopes: ['admin'] })
  for (const secret of [key, undefined, 'nonsense', key]) t.match(await ask(app, secret, '/x'), { status: 500, body: { code: 'FST_API_KEY_UNDECLARED_SCOPE' } })
  t.equal(runs, 0)
})

t.test('a route without a URL is named so', async (t) => {
  const { refuseUndeclared } = await import('../lib/http/rule.js')
  t.throws(() => refuseUndeclared(['x'], new Map([['y', 'Y']]), undefined), { message: /^The route without a URL asks/ })
})

t.test('a second check of a request goes by the scopes of the user that is there by then', async (t) => {
  const app = await server(t)
  const { key } = await app.apiKeys.create('ann', { scopes: ['buckets:read'] })
  const narrowing = async (request: FastifyRequest) => {
    if (request.apiUser !== null) request.apiUser = { ...request.apiUser, scopes: [] }
  }
  const config = { apiKey: { scopes: ['buckets:read'] } } as const
  app.get('/same', { config, preHandler: app.verifyApiKey }, me)
  app.get('/narrowed', { config, preHandler: [narrowing, app.verifyApiKey] }, me)
  t.equal((await ask(app, key, '/same')).status, 200)
  t.match(await ask(app, key, '/narrowed'), { status: 403, body: { code: 'FST_API_KEY_INSUFFICIENT_SCOPE' } })
})

t.test('where routes ask for scopes and none are declared, and people make keys on the pages, the log says so once', async (t) => {
  const warnings = async (options: ApiKeyOptions, ...asked: string[][]) => {
    const log = new Log()
    const app = await server(t, { api: true, getUser: () => null, ...options }, log)
    for (const [i, scopes] of asked.entries()) app.post(`/${i}`, { config: { apiKey: { scopes } } }, async () => 'x')
    await app.ready()
    return log.lines.filter(({ level, route }) => level === WARN && route !== undefined).map(({ route }) => route)
  }
  t.strictSame(await warnings({}, ['a'], ['b']), ['/0'])
  t.strictSame(await warnings({}, ['api-keys:manage']), [])
  t.strictSame(await warnings({ scopes: { a: 'A' } }, ['a']), [])
  t.strictSame(await warnings({ pages: false }, ['a']), [])
})
