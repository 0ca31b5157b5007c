import t from 'tap'
import { Networks } from '../lib/keys/addresses.js'
import { HEADER, Log, me, server, WARN } from './helpers/app.js'

t.test('an address is in a network when its leading bits are, in IPv4, in IPv6, and mapped', async (t) => {
  const cases: [string, string[], string[]][] = [
    ['192.0.2.7', ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:192.0.2.7', '::ffff:c000:207'], ['192.0.2.8', '::ffff:192.0.2.8', '::c000:207', '::192.0.2.7']],
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3'], ['11.0.0.0', '9.255.255.255', '::1', '::10.1.2.3']],
    ['10.9.9.9/8', ['10.0.0.1'], ['11.0.0.1']],
    ['10.0.0.4/30', ['10.0.0.4', '10.0.0.7'], ['10.0.0.3', '10.0.0.8', '10.0.0.40']],
    ['0.0.0.0/0', ['8.8.8.8', '::ffff:8.8.8.8'], ['::1', '2001:db8::1']],
    ['2001:db8::/32', ['2001:db8::', '2001:0DB8:ffff::1'], ['2001:db9::1', '10.0.0.1']],
    ['2001:db8::1', ['2001:db8:0:0::1'], ['2001:db8::2']],
    ['fe80::/10', ['fe80::1%eth0', 'febf::1'], ['fec0::1']],
    ['::ffff:10.0.0.0/104', ['10.1.1.1', '::ffff:10.1.1.1'], ['11.1.1.1', '::1']],
    ['::/0', ['::1', '2001:db8::1'], ['10.0.0.1', '::ffff:10.0.0.1']]
  ]
  for (const [network, inside, outside] of cases) {
    const networks = new Networks([network])
    for (const ip of inside) t.ok(networks.include(ip), `${ip} is in ${network}`)
    for (const ip of outside) t.notOk(networks.include(ip), `${ip} is not in ${network}`)
  }
  for (const ip of [null, '', 'unknown', '10.0.0', '10.0.0.1, 10.0.0.2', '/run/app.sock']) t.notOk(new Networks(['0.0.0.0/0', '::/0']).include(ip))
  t.notOk(new Networks(['nonsense']).include('10.0.0.1'), 'what came into the database by other ways and is none lets nobody in')
})

t.test('a key bound to addresses is refused from others, after its state and before its scopes', async (t) => {
  const app = await server(t)
  app.get('/scoped', { config: { apiKey: { scopes: ['a'] } } }, me)
  const { id, key } = await app.apiKeys.create('ann', { allowedIps: ['10.0.0.0/8', '2001:db8::/32'] })
  const ask = async (remoteAddress: string, url = '/me') => {
    const response = await app.inject({ url, remoteAddress, headers: { [HEADER]: key } })
    return [response.statusCode, response.json().code]
  }
  for (const ip of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::5']) t.strictSame(await ask(ip), [200, undefined])
  for (const ip of ['11.1.2.3', '::1', '127.0.0.1']) t.strictSame(await ask(ip), [403, 'FST_API_KEY_ADDRESS'])
  t.strictSame(await ask('10.1.2.3', '/scoped'), [403, 'FST_API_KEY_INSUFFICIENT_SCOPE'])
  t.strictSame(await ask('11.1.2.3', '/scoped'), [403, 'FST_API_KEY_ADDRESS'])
  await app.apiKeys.flush()
  t.match(await app.apiKeys.get(id), { loggedIp: '2001:db8::5', allowedIps: ['10.0.0.0/8', '2001:db8::/32'] }, 'a refused request is no use')
  await app.apiKeys.update(id, { allowedIps: ['11.1.2.3'] })
  t.strictSame([await ask('10.1.2.3'), await ask('11.1.2.3')], [[403, 'FST_API_KEY_ADDRESS'], [200, undefined]])
  await app.apiKeys.update(id, { allowedIps: null })
  t.strictSame(await ask('10.1.2.3'), [200, undefined])
  await app.apiKeys.update(id, { allowedIps: ['::1'], enabled: false })
  t.strictSame(await ask('10.1.2.3'), [401, 'FST_API_KEY_DISABLED'])
})

t.test('verify needs the address where it matters', async (t) => {
  const { apiKeys } = await server(t)
  const { key } = await apiKeys.create('ann', { allowedIps: ['10.0.0.0/8'] })
  t.match(await apiKeys.verify(key, { ip: '10.0.0.1' }), { id: 'ann' })
  await t.rejects(apiKeys.verify(key, { ip: '11.0.0.1' }), { code: 'FST_API_KEY_ADDRESS', statusCode: 403, message: 'The API key may not be used from this address' })
  await t.rejects(apiKeys.verify(key), { code: 'FST_API_KEY_ADDRESS' })
})

t.test('X-Forwarded-For counts only where the application trusts a proxy, and is warned of once where it does not', async (t) => {
  for (const trustProxy of [true, false]) {
    const log = new Log()
    const app = await server(t, {}, log, trustProxy)
    const { key } = await app.apiKeys.create('ann', { allowedIps: ['192.0.2.7'] })
    const { key: free } = await app.apiKeys.create('ann')
    const ask = async (key: string, headers: Record<string, string>) => (await app.inject({ url: '/me', headers: { [HEADER]: key, ...headers } })).statusCode
    await ask(free, { 'x-forwarded-for': '192.0.2.7' })
    await ask(key, {})
    t.strictSame(log.messages(WARN), [], 'it does not matter there')
    for (let i = 0; i < 3; i++) t.equal(await ask(key, { 'x-forwarded-for': '192.0.2.7' }), trustProxy ? 200 : 403)
    const warning = 'an API key is bound to addresses and a request came with X-Forwarded-For, which is not looked at; behind a proxy, set trustProxy of Fastify'
    t.strictSame(log.messages(WARN), trustProxy ? [] : [warning])
    t.notMatch(log.text, key.slice(8))
  }
})

t.test('where failed attempts are limited, X-Forwarded-For is warned of too, since all that come by one proxy would wait together', async (t) => {
  for (const trustProxy of [true, false]) {
    const log = new Log()
    const app = await server(t, { failureLimit: { max: 5, timeWindow: 60_000 } }, log, trustProxy)
    const { key } = await app.apiKeys.create('ann')
    const ask = (key: string) => app.inject({ url: '/me', headers: { [HEADER]: key, 'x-forwarded-for': '192.0.2.7' } })
    await ask(key)
    t.strictSame(log.messages(WARN), [], 'a key that is accepted was no attempt')
    for (let i = 0; i < 2; i++) await ask('nonsense')
    const warning = 'failed attempts are limited by address and a request came with X-Forwarded-For, which is not looked at; behind a proxy, set trustProxy of Fastify'
    t.strictSame(log.messages(WARN), trustProxy ? [] : [warning])
  }
})
