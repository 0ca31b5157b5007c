import fc from 'fast-check'
import t from 'tap'
import { FailureLimit } from '../lib/keys/failures.js'
import { networkOf } from '../lib/keys/network.js'
import { generateSecret } from '../lib/keys/secret.js'
import { ask, Clock, DAY, HEADER, Log, server } from './helpers/app.js'
import { spyingDatabase } from './helpers/sqlite.js'

const failureLimit = { max: 3, timeWindow: 60_000 }
const unknown = () => generateSecret('ak', 32)

t.test('an address with too many failed attempts has to wait, before the database is asked', async (t) => {
  const clock = new Clock()
  const { database, statements } = spyingDatabase(t)
  const app = await server(t, { database, failureLimit, now: clock.now })
  for (const key of [unknown(), 'nonsense', unknown()]) t.match((await ask(app, key)).body, { code: 'FST_API_KEY_INVALID' })
  clock.tick(20_500)
  statements.length = 0
  for (const key of [unknown(), 'nonsense', 'x'.repeat(1000)]) {
    const response = await app.inject({ url: '/me', headers: { [HEADER]: key } })
    t.equal(response.statusCode, 429)
    t.equal(response.json().code, 'FST_API_KEY_TOO_MANY_FAILURES')
    t.equal(response.headers['retry-after'], '40')
  }
  t.strictSame(statements, [])
  clock.tick(39_500)
  t.equal((await ask(app, unknown())).status, 401, 'and after the window it may try again')
})

t.test('a clock that was ahead and is set back locks nobody out for longer than the window', async (t) => {
  const clock = new Clock()
  const app = await server(t, { failureLimit, now: clock.now })
  clock.tick(DAY)
  for (let i = 0; i < 3; i++) await ask(app, unknown())
  t.equal((await ask(app, unknown())).status, 429)
  clock.tick(-DAY)
  for (let i = 0; i < 3; i++) t.equal((await ask(app, unknown())).status, 401)
  t.equal((await ask(app, unknown())).status, 429, 'and attempts are counted anew')
})

t.test('a good key is never locked out from elsewhere, nor from the same address when it is in the cache', async (t) => {
  const app = await server(t, { failureLimit }, undefined, true)
  const [cached, other] = [await app.apiKeys.create('ann'), await app.apiKeys.create('bob')]
  const from = async (ip: string, key: string) => (await app.inject({ url: '/me', headers: { [HEADER]: key, 'x-forwarded-for': ip } })).statusCode
  t.equal(await from('192.0.2.1', cached.key), 200)
  for (let i = 0; i < 4; i++) await from('192.0.2.1', unknown())
  t.equal(await from('192.0.2.1', unknown()), 429)
  t.equal(await from('192.0.2.1', cached.key), 200)
  t.equal(await from('192.0.2.1', other.key), 429, 'one that is not cached waits')
  t.equal(await from('192.0.2.2', other.key), 200)
  t.equal(await from('192.0.2.1', other.key), 200, 'and passes once it is')
  await app.apiKeys.update(other.id, { name: 'renamed' })
  t.equal(await from('192.0.2.1', other.key), 200, 'also when it has to be looked up again')
})

t.test('a key that was in the cache before it was revoked is limited as any other', async (t) => {
  const { database, statements } = spyingDatabase(t)
  const app = await server(t, { database, failureLimit })
  const { id, key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.revoke(id)
  for (let i = 0; i < 3; i++) t.equal((await ask(app, key)).status, 401)
  statements.length = 0
  t.equal((await ask(app, key)).status, 429)
  t.strictSame(statements, [], 'and costs the database nothing')
})

t.test('only attempts with a key that is not accepted count', async (t) => {
  const app = await server(t, { failureLimit })
  app.get('/scoped', { config: { apiKey: { scopes: ['write'] } } }, async () => 'never')
  const { key } = await app.apiKeys.create('ann')
  for (let i = 0; i < 5; i++) {
    t.equal((await ask(app)).status, 401)
    t.equal((await ask(app, key, '/scoped')).status, 403)
  }
  t.equal((await ask(app, unknown())).status, 401)
  const revoked = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(revoked.id)
  t.equal((await ask(app, revoked.key)).status, 401)
  t.equal((await ask(app, revoked.key)).status, 401)
  t.equal((await ask(app, revoked.key)).status, 429)
})

t.test('verify counts the attempts of an address that it is told, and without one limits nobody', async (t) => {
  const { apiKeys } = await server(t, { failureLimit })
  for (let i = 0; i < 10; i++) await t.rejects(apiKeys.verify(unknown()), { code: 'FST_API_KEY_INVALID' })
  for (let i = 0; i < 3; i++) await t.rejects(apiKeys.verify(unknown(), { ip: '192.0.2.1' }), { code: 'FST_API_KEY_INVALID' })
  await t.rejects(apiKeys.verify(unknown(), { ip: '192.0.2.1' }), { code: 'FST_API_KEY_TOO_MANY_FAILURES', statusCode: 429, retryAfter: 60 })
})

t.test('failed attempts are not limited unless asked for', async (t) => {
  const app = await server(t)
  for (let i = 0; i < 200; i++) t.equal((await ask(app, unknown())).status, 401)
})

t.test('memory is bounded: of very many addresses the oldest are forgotten', async (t) => {
  const limit = new FailureLimit({ max: 1, timeWindow: 60_000 }, () => 0)
  limit.note('192.0.2.1')
  t.throws(() => limit.check('192.0.2.1'))
  for (let i = 0; i < 60_000; i++) limit.note(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
  limit.check('192.0.2.1')
  t.throws(() => limit.check('10.0.234.95'))
})

t.test('what a proxy passes on that is no address counts as one caller, and is not logged', async (t) => {
  const log = new Log()
  const app = await server(t, { failureLimit }, log, true)
  const from = async (text: string) => (await app.inject({ url: '/me', headers: { [HEADER]: unknown(), 'x-forwarded-for': text } })).statusCode
  for (const letter of ['a', 'b', 'c']) t.equal(await from(letter.repeat(8000)), 401)
  t.equal(await from('d'.repeat(8000)), 429)
  t.equal(await from('192.0.2.1'), 401)
  const refused = log.lines.filter(({ msg }) => msg === 'a request was refused')
  t.strictSame(refused.map(({ ip }) => ip), [null, null, null, null, '192.0.2.1'])
})

t.test('attempts from one IPv6 network count together, and mapped IPv4 addresses as what they are', async (t) => {
  t.equal(networkOf('192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(networkOf('192.0.2.1:50123'), '192.0.2.1', 'also with the port, which some proxies pass on')
  t.equal(networkOf('::1'), '0:0:0:0')
  t.equal(networkOf('2001:DB8::1'), '2001:db8:0:0')
  t.equal(networkOf('2001:db8:0:0:1:2:3:4'), '2001:db8:0:0')
  t.equal(networkOf('2001:0db8::'), '2001:db8:0:0')
  t.equal(networkOf('2001:db8:0:1::1'), '2001:db8:0:1')
  t.equal(networkOf('1:2:3::5:6:7:8'), '1:2:3:0')
  fc.assert(fc.property(fc.ipV6(), (ip) => networkOf(ip).length > 0))
  const limit = new FailureLimit({ max: 1, timeWindow: 1000 }, () => 0)
  limit.note('2001:db8::1')
  t.throws(() => limit.check('2001:db8::ffff:2'), { code: 'FST_API_KEY_TOO_MANY_FAILURES' })
  limit.check('2001:db8:0:1::1')
})

t.test('a key that revokes itself is an attempt like any other', async (t) => {
  const app = await server(t, { failureLimit, api: true })
  const end = () => app.inject({ method: 'DELETE', url: '/api-keys/self', headers: { [HEADER]: unknown() } })
  for (let i = 0; i < 3; i++) t.equal((await end()).statusCode, 401)
  const { statusCode, headers } = await end()
  t.strictSame([statusCode, headers['retry-after']], [429, '60'])
})

t.test('a key that is revoked already, and does so again, writes nothing and is an attempt too', async (t) => {
  const { database, statements } = spyingDatabase(t)
  const app = await server(t, { database, failureLimit, api: true })
  const { key } = await app.apiKeys.create('ann')
  const end = async () => (await app.inject({ method: 'DELETE', url: '/api-keys/self', headers: { [HEADER]: key } })).statusCode
  t.equal(await end(), 204)
  const before = statements.length
  for (let i = 0; i < 3; i++) t.equal(await end(), 204)
  t.notMatch(statements.slice(before).join(), /begin|update/i)
  t.equal(await end(), 429)
})
