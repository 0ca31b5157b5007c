import t from 'tap'
import { generateSecret } from '../lib/keys/secret.js'
import apiKey from '../lib/index.js'
import { ask, bareServer, Clock, HEADER, HOUR, Log, server } from './helpers/app.js'

t.test('a key revokes itself, in any state and from any address', async (t) => {
  const clock = new Clock()
  const app = await server(t, { api: true, now: clock.now })
  const end = (key: string) => app.inject({ method: 'DELETE', url: '/api-keys/self', headers: { [HEADER]: key } })
  const events: unknown[] = []
  app.apiKeys.on('apiKeyRevoked', ({ key, ip, actor }) => events.push([key.id, key.revokedReason, ip, actor]))
  const made = await app.apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann', allowedIps: ['192.0.2.1'] }, { userId: 'ann', expiresIn: '1h' }, { userId: 'bob' }, { userId: 'ann' }])
  const [active, , , , disabled] = made
  await app.apiKeys.update(String(disabled?.id), { enabled: false })
  await app.apiKeys.profiles.update('bob', { canUseApi: false })
  t.equal((await ask(app, active?.key)).status, 200)
  clock.tick(HOUR)
  for (const { id, key } of made) {
    const response = await end(key)
    t.equal(response.statusCode, 204)
    t.equal(response.body, '')
    t.match(await app.apiKeys.get(id), { state: 'revoked', revokedReason: 'by the key itself' })
    t.match(await ask(app, key), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } })
    t.equal((await end(key)).statusCode, 204, 'it is as dead as was wanted')
  }
  t.strictSame(events, made.map(({ id }) => [id, 'by the key itself', '127.0.0.1', null]))
})

t.test('no size and no type of a body keeps a key from being revoked', async (t) => {
  const app = await server(t, { api: true })
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/xml', 'bogus/', '']) {
    for (const payload of ['', '{"a', 'x'.repeat(2_000_000)]) {
      const { id, key } = await app.apiKeys.create('ann')
      const response = await app.inject({ method: 'DELETE', url: '/api-keys/self', headers: { [HEADER]: key, 'content-type': type }, payload })
      t.equal(response.statusCode, 204)
      t.match(await app.apiKeys.get(id), { state: 'revoked' })
    }
  }
})

t.test('without a key, or with one that is none, it is refused with the challenge', async (t) => {
  const app = await server(t, { api: true, header: ['Authorization', 'X-Key'] })
  const challenge = 'Bearer realm="API", ApiKey realm="API", header="X-Key"'
  for (const [headers, code, told] of [
    [{}, 'FST_API_KEY_MISSING', challenge],
    [{ 'x-key': generateSecret('ak', 32) }, 'FST_API_KEY_INVALID', challenge],
    [{ authorization: `Bearer ${generateSecret('ak', 32)}` }, 'FST_API_KEY_INVALID', challenge.replace('"API",', '"API", error="invalid_token",')],
    [{ 'x-key': 'nonsense' }, 'FST_API_KEY_INVALID', challenge]
  ] as const) {
    const response = await app.inject({ method: 'DELETE', url: '/api-keys/self', headers })
    t.match(response.json(), { statusCode: 401, code })
    t.equal(response.headers['www-authenticate'], told)
  }
})

t.test('what is refused here is logged as elsewhere', async (t) => {
  const log = new Log()
  const app = await server(t, { api: true }, log)
  const end = (headers: Record<string, string>) => app.inject({ method: 'DELETE', url: '/api-keys/self', headers })
  await end({})
  await end({ [HEADER]: generateSecret('ak', 32) })
  t.match(log.lines.filter(({ msg }) => msg === 'a request was refused'), [
    { reason: 'FST_API_KEY_MISSING', keyId: null, ip: '127.0.0.1' }, { reason: 'FST_API_KEY_INVALID', keyId: null, ip: '127.0.0.1' }
  ])
})

t.test('a secret that was replaced ends the key only during its overlap', async (t) => {
  const clock = new Clock()
  const app = await server(t, { api: { prefix: '/v1/keys' }, now: clock.now })
  const end = async (key: string) => (await app.inject({ method: 'DELETE', url: '/v1/keys/self', headers: { [HEADER]: key } })).statusCode
  const { id, key: old } = await app.apiKeys.create('ann')
  await app.apiKeys.rotate(id, { overlap: '1h' })
  clock.tick(HOUR)
  t.equal(await end(old), 401)
  t.equal((await app.apiKeys.get(id))?.state, 'active')
  const { id: other, key } = await app.apiKeys.create('ann')
  await app.apiKeys.rotate(other, { overlap: '1h' })
  t.equal(await end(key), 204)
  t.equal((await app.apiKeys.get(other))?.state, 'revoked')
})

t.test('a key sees its own record, without a secret', async (t) => {
  const app = await server(t, { api: true })
  const { id, key } = await app.apiKeys.create('ann', { name: 'laptop', scopes: ['a'] })
  const { status, body } = await ask(app, key, '/api-keys/self')
  t.match({ status, body }, { status: 200, body: { id, name: 'laptop', userId: 'ann', state: 'active', scopes: ['a'] } })
  t.notMatch(JSON.stringify(body), key.slice(8))
  t.match(await ask(app, undefined, '/api-keys/self'), { status: 401, body: { code: 'FST_API_KEY_MISSING' } })
  await app.apiKeys.update(id, { enabled: false })
  t.match(await ask(app, key, '/api-keys/self'), { status: 401, body: { code: 'FST_API_KEY_DISABLED' } })
})

t.test('a key whose login an application ended on the way sees nothing', async (t) => {
  const app = bareServer(t)
  app.addHook('preHandler', async (request) => { await request.apiLogout() })
  await app.register(apiKey, { database: ':memory:', api: true })
  const { key } = await app.apiKeys.create('ann')
  t.match(await ask(app, key, '/api-keys/self'), { status: 401, body: { code: 'FST_API_KEY_MISSING' } })
})

t.test('without the option there is no API', async (t) => {
  const app = await server(t, { required: false })
  const { id, key } = await app.apiKeys.create('ann')
  t.equal((await app.inject({ method: 'DELETE', url: '/api-keys/self', headers: { [HEADER]: key } })).statusCode, 404)
  t.equal((await app.apiKeys.get(id))?.state, 'active')
})

t.test('a key revokes itself from nowhere that is known too', async (t) => {
  const app = await server(t, { api: true, failureLimit: { max: 1, timeWindow: '1h' } }, new Log(), true)
  const { id, key } = await app.apiKeys.create('ann')
  const ips: unknown[] = []
  app.apiKeys.on('apiKeyRevoked', ({ ip }) => ips.push(ip))
  // What a proxy passed on that is no address.
  const response = await app.inject({ method: 'DELETE', url: '/api-keys/self', headers: { [HEADER]: key, 'x-forwarded-for': 'x'.repeat(200) } })
  t.equal(response.statusCode, 204)
  t.match(await app.apiKeys.get(id), { state: 'revoked' })
  t.strictSame(ips, [null])
})
