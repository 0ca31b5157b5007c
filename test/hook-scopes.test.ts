import t from 'tap'
import apiKey from '../lib/index.js'
import { ask, bareServer, me, server } from './helpers/app.js'

t.test('a second registration in the same or a nested scope is refused with its own error', async (t) => {
  const same = await server(t)
  await t.rejects(async () => { await same.register(apiKey, { database: ':memory:' }) }, { code: 'FST_API_KEY_ALREADY_REGISTERED' })
  const outer = await server(t)
  await t.rejects(async () => {
    await outer.register(async (child) => { await child.register(apiKey, { database: ':memory:' }) })
  }, { code: 'FST_API_KEY_ALREADY_REGISTERED', message: /already registered in this scope or around it/ })
})

t.test('sibling scopes each have their own keys, headers and rules', async (t) => {
  const app = bareServer(t)
  for (const [prefix, header] of [['/a', 'X-A'], ['/b', 'X-B']] as const) {
    await app.register(async (child) => {
      await child.register(apiKey, { database: ':memory:', header })
      child.get('/me', me)
      child.post('/keys/:user', { config: { apiKey: false } }, async (request) => await child.apiKeys.create((request.params as { user: string }).user))
    }, { prefix })
  }
  app.get('/outside', async () => 'open')
  t.equal(app.hasDecorator('apiKeys'), false)
  const keys: Record<string, string> = {}
  for (const prefix of ['a', 'b']) keys[prefix] = (await app.inject({ method: 'POST', url: `/${prefix}/keys/ann` })).json().key
  const status = async (url: string, headers: Record<string, string>) => (await app.inject({ url, headers })).statusCode
  t.equal(await status('/a/me', { 'x-a': keys['a'] ?? '' }), 200)
  t.equal(await status('/b/me', { 'x-b': keys['b'] ?? '' }), 200)
  t.equal(await status('/a/me', { 'x-a': keys['b'] ?? '' }), 401, 'the key of the other')
  t.equal(await status('/b/me', { 'x-a': keys['a'] ?? '' }), 401, 'the header of the other')
  t.equal(await status('/outside', {}), 200)
})

t.test('a scope with the plugin and the one around it, registered later, get along', async (t) => {
  const app = bareServer(t)
  await app.register(async (child) => {
    await child.register(apiKey, { database: ':memory:', header: 'X-Child' })
    child.get('/child', me)
    child.get('/key', { config: { apiKey: false } }, async () => await child.apiKeys.create('ann'))
  })
  await app.register(apiKey, { database: ':memory:' })
  app.get('/me', me)
  const { key } = (await app.inject('/key')).json()
  t.equal((await app.inject({ url: '/child', headers: { 'x-child': key } })).statusCode, 200)
  t.equal((await ask(app, key)).status, 401)
  const { key: own } = await app.apiKeys.create('ann')
  t.equal((await ask(app, own)).status, 200)
})

t.test('the options of register are not those of routes: prefix is that of keys', async (t) => {
  const app = bareServer(t)
  await app.register(async (child) => {
    await child.register(apiKey, { database: ':memory:', prefix: 'mine' })
    child.get('/me', me)
    child.get('/key', { config: { apiKey: false } }, async () => await child.apiKeys.create('ann'))
  }, { prefix: '/v1' })
  const { key } = (await app.inject('/v1/key')).json()
  t.match(key, /^mine_/)
  t.equal((await ask(app, key, '/v1/me')).status, 200)
})
