import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { ApiKeyOptions, KeyGrants, KeyRecord } from '../lib/index.js'
import { lieWithin } from '../lib/keys/addresses.js'
import { findExcess, reachOf, type KeyReach } from '../lib/keys/reach.js'
import type { Resolved } from '../lib/keys/terms.js'
import { Clock, DAY, server, T0 } from './helpers/app.js'
import { buildApi, manager, type Api } from './helpers/api.js'
import { onEachEngine } from './helpers/engines.js'

const BEYOND = { statusCode: 403, code: 'FST_API_KEY_BEYOND_OWN', error: 'Forbidden' }
const PROFILE: Resolved = { isKnownGroup: true, maxKeys: -1, scopes: null, expiryDefault: null, expiryMax: null, rate: null, quota: null, canUseApi: true, canMakeKeys: true }

/** Who a key belongs to and what its profile says is the same in each test. */
const OWN = { scopes: ['a', 'b'], expiresIn: '30d', allowedIps: ['127.0.0.0/8', '10.1.0.0/16', '2001:db8::/32'], rateLimit: { max: 100, timeWindow: '1m' }, quota: { max: 1000, every: '1d' } } as const satisfies KeyGrants

async function withProgram (t: Test, options: ApiKeyOptions = {}, own: KeyGrants = OWN) {
  const clock = new Clock()
  const { app, call } = await buildApi(t, { now: clock.now, ...options })
  const acting = await manager(app, 'ann', structuredClone(own))
  const who = { key: acting.key }
  return { app, acting, clock, call: (...rest: Parameters<Api['call']> extends [unknown, ...infer R] ? R : never) => call(who, ...rest) }
}

onEachEngine('a program makes keys within its own, and what is not said is its own', async (t, database) => {
  const { acting, call } = await withProgram(t, database)
  t.match((await call('POST', '', {})).json(), {
    scopes: [], expiresAt: acting.expiresAt?.toISOString(), allowedIps: OWN.allowedIps, rateLimit: { max: 100, timeWindow: 60_000 }, quota: { max: 1000, every: DAY }
  })
  const within = { scopes: ['a', 'api-keys:manage'], expiresIn: '29d', allowedIps: ['127.0.0.1', '::ffff:10.1.2.0/120', '2001:db8:1::/48'], rateLimit: { max: 10, timeWindow: '6s' }, quota: { max: 1000, every: '2d' } }
  const response = await call('POST', '', within)
  t.equal(response.statusCode, 201, response.body)
  t.match(response.json(), { scopes: within.scopes, allowedIps: within.allowedIps, rateLimit: { max: 10, timeWindow: 6000 } })
})

const TOO_MUCH: [body: object, message: RegExp][] = [
  [{ scopes: ['a', 'admin'] }, /^scopes must be within api-keys:manage, a, b, as of whoever asks, got admin$/],
  [{ expiresIn: '31d' }, /^expiresAt must be 2023-12-14T22:13:20.000Z or earlier, as of whoever asks, got 2023-12-15T22:13:20.000Z$/],
  [{ expiresAt: null }, /^expiresAt must be .* got never$/],
  [{ expiresAt: '2023-12-14T22:13:20.001Z' }, /^expiresAt/],
  [{ allowedIps: null }, /^allowedIps must be within 127.0.0.0\/8, 10.1.0.0\/16, 2001:db8::\/32, as of whoever asks, got anywhere$/],
  [{ allowedIps: ['127.0.0.1', '8.8.8.8'] }, /^allowedIps/],
  [{ allowedIps: ['127.0.0.0/7'] }, /^allowedIps/],
  [{ allowedIps: ['0.0.0.0/0'] }, /^allowedIps/],
  [{ allowedIps: ['::ffff:0:0/96'] }, /^allowedIps/],
  [{ allowedIps: ['::ffff:10.0.0.0/104'] }, /^allowedIps/],
  [{ allowedIps: ['::/0'] }, /^allowedIps/],
  [{ allowedIps: ['2001:db8::/31'] }, /^allowedIps/],
  [{ rateLimit: false }, /^rateLimit must be at most 100 in 60000 ms, as of whoever asks, got no limit$/],
  [{ rateLimit: null }, /^rateLimit must be .* got what the profile has, no limit$/],
  [{ rateLimit: { max: 101, timeWindow: '1m' } }, /^rateLimit must be .* got 101 in 60000 ms$/],
  [{ rateLimit: { max: 100, timeWindow: '59s' } }, /^rateLimit/],
  [{ rateLimit: { max: 10, timeWindow: '5s' } }, /^rateLimit/],
  [{ quota: null }, /^quota must be at most 1000 in 86400000 ms, as of whoever asks, got what the profile has, no limit$/],
  [{ quota: false }, /^quota/],
  [{ quota: { max: 1001, every: '1d' } }, /^quota/],
  [{ quota: { max: 1000, every: '23h' } }, /^quota/],
  [{ quota: { max: 1001 } }, /^quota must be .* got 1001 in total$/]
]

onEachEngine('a program gets beyond its own neither by a new key, nor by another, nor by itself', async (t, database) => {
  const { app, acting, call } = await withProgram(t, database)
  const { id } = (await call('POST', '', { expiresIn: '1d', quota: { max: 1 } })).json()
  const before = await app.apiKeys.list('ann')
  for (const [body, message] of TOO_MUCH) {
    for (const [method, path] of [['POST', ''], ['PATCH', `/${id}`], ['PATCH', `/${acting.id}`]] as const) {
      t.match((await call(method, path, body)).json(), { ...BEYOND, message }, `${method} ${JSON.stringify(body)}`)
    }
  }
  const still = (keys: KeyRecord[]) => keys.map(({ lastUsedAt, loggedIp, quota, ...rest }) => ({ ...rest, quota: { ...quota, used: 0, resetsAt: null } }))
  t.strictSame(still(await app.apiKeys.list('ann')), still(before))
})

onEachEngine('a program narrows, disables and revokes itself, and comes back from nothing', async (t, database) => {
  const { acting, call, clock, app } = await withProgram(t, database)
  const self = `/${acting.id}`
  const narrower = { name: 'me', scopes: ['api-keys:manage'], expiresIn: '10d', allowedIps: ['127.0.0.1'], rateLimit: { max: 50, timeWindow: '1m' }, quota: { max: 500, every: '2d' } }
  t.match((await call('PATCH', self, narrower)).json(), { ...narrower, expiresIn: undefined, rateLimit: { max: 50 }, quota: { max: 500 } })
  for (const [body] of [[{ scopes: ['api-keys:manage', 'a'] }], [{ expiresIn: '11d' }], [{ allowedIps: ['127.0.0.0/8'] }], [{ rateLimit: { max: 51, timeWindow: '1m' } }], [{ quota: { max: 500, every: '1d' } }], [{ quota: null }]] as const) {
    t.match((await call('PATCH', self, body)).json(), BEYOND, JSON.stringify(body))
  }
  t.match((await call('POST', '', {})).json(), { expiresAt: new Date(T0 + 10 * DAY).toISOString(), allowedIps: ['127.0.0.1'], rateLimit: { max: 50 } }, 'its keys are narrower from then on')
  const rotated = (await call('POST', `${self}/rotate`, { overlap: '1h' })).json()
  t.equal(rotated.id, acting.id, 'it may rotate itself')
  clock.tick(1000)
  t.equal((await call('PATCH', self, { enabled: false })).statusCode, 200)
  t.match((await call('PATCH', self, { enabled: true })).json(), { statusCode: 401, code: 'FST_API_KEY_DISABLED' })
  await app.apiKeys.update(acting.id, { enabled: true })
  t.match((await call('DELETE', self)).json(), { state: 'revoked' })
  t.match((await call('GET', self)).json(), { statusCode: 401, code: 'FST_API_KEY_REVOKED' })
})

onEachEngine('of keys that may more it makes less, and no more: it neither rotates nor enables them', async (t, database) => {
  const { app, call } = await withProgram(t, database)
  const big: KeyGrants = { scopes: ['admin', 'a'], allowedIps: ['192.0.2.0/24'] }
  const { id, key } = await app.apiKeys.create('ann', structuredClone(big))
  t.match((await call('POST', `/${id}/rotate`)).json(), { ...BEYOND, message: /^scopes must be .* got admin$/ })
  t.equal((await app.apiKeys.identify(key))?.id, id)
  // Within its own, each of them, but not together with what the key has.
  for (const body of [{ allowedIps: ['127.0.0.1'] }, { scopes: ['admin', 'b'] }]) t.match((await call('PATCH', `/${id}`, body)).json(), BEYOND)
  t.match((await call('PATCH', `/${id}`, { name: 'renamed', scopes: ['admin'], expiresIn: '90d', allowedIps: ['192.0.2.1'], rateLimit: { max: 1000, timeWindow: '1m' } })).json(), { name: 'renamed', scopes: ['admin'], allowedIps: ['192.0.2.1'] })
  t.match((await call('PATCH', `/${id}`, { expiresIn: '91d' })).json(), BEYOND)
  t.match((await call('PATCH', `/${id}`, { enabled: false })).json(), { state: 'disabled' })
  t.match((await call('PATCH', `/${id}`, { enabled: true })).json(), BEYOND)
  t.equal((await app.apiKeys.get(id))?.state, 'disabled')
  t.match((await call('PATCH', `/${id}`, { enabled: true, ...OWN, scopes: ['a'], expiresIn: '1d', allowedIps: ['127.0.0.1'] })).json(), { state: 'active', scopes: ['a'] }, 'what it makes a key of its own size may work')
  t.match((await call('POST', `/${id}/rotate`)).json(), { id })
  const other = await app.apiKeys.create('ann', structuredClone(big))
  t.match((await call('DELETE', `/${other.id}`)).json(), { state: 'revoked' })
})

onEachEngine('what counts is what its profile leaves of it', async (t, database) => {
  const { app, call } = await withProgram(t, { ...database, rateLimit: { max: 60, timeWindow: '1m' }, quota: { max: 100 } }, { scopes: ['a', 'b'] })
  await app.apiKeys.profiles.update('ann', { scopes: ['a', 'c', 'api-keys:manage'] })
  t.match((await call('POST', '', { scopes: ['c'] })).json(), { ...BEYOND, message: /within api-keys:manage, a,/ })
  t.match((await call('POST', '', { scopes: ['b'] })).json(), { statusCode: 403, code: 'FST_API_KEY_SCOPE_NOT_ALLOWED' })
  for (const body of [{ rateLimit: { max: 61, timeWindow: '1m' } }, { rateLimit: false }, { quota: false }, { quota: { max: 101 } }, { quota: { max: 100, every: '100y' } }]) {
    t.match((await call('POST', '', body)).json(), BEYOND, JSON.stringify(body))
  }
  t.match((await call('POST', '', { scopes: ['a'], rateLimit: null, quota: null })).json(), { rateLimit: null, quota: { max: 100, every: null } })
  t.match((await call('POST', '', { rateLimit: { max: 1, timeWindow: '1s' } })).json(), { rateLimit: { max: 1 } })
})

onEachEngine('a key without limits gives whatever its profile may have, and nothing that would outlast it', async (t, database) => {
  const { call } = await withProgram(t, database, { rateLimit: false, quota: false })
  t.match((await call('POST', '', { rateLimit: false, quota: false, expiresAt: null, allowedIps: null })).json(), { rateLimit: false, quota: null, expiresAt: null, allowedIps: null })
  t.match((await call('POST', '', {})).json(), { rateLimit: null, quota: null })
  const left = await withProgram(t, {}, {})
  t.match((await left.call('POST', '', { rateLimit: { max: 1e9, timeWindow: '1s' }, quota: { max: 1e9 } })).json(), { rateLimit: { max: 1e9 } })
  for (const body of [{ rateLimit: false }, { quota: false }]) t.match((await left.call('POST', '', body)).json(), BEYOND)
})

onEachEngine('a person gives no key more than the profile may have', async (t, database) => {
  const { app, call } = await buildApi(t, { ...database, rateLimit: { max: 60, timeWindow: '1m' }, groups: { free: { quota: { max: 10, every: '1d' }, scopes: ['a'], expiry: { max: '30d' } } } })
  await app.apiKeys.profiles.create('ann', { group: 'free' })
  const { id, key } = await app.apiKeys.create('ann', { rateLimit: { max: 5, timeWindow: '1m' } })
  const ann = { user: 'ann' }
  for (const body of [{ rateLimit: false }, { rateLimit: { max: 61, timeWindow: '1m' } }, { quota: false }, { quota: { max: 11, every: '1d' } }]) {
    for (const [method, path] of [['POST', ''], ['PATCH', `/${id}`]] as const) t.match((await call(ann, method, path, body)).json(), BEYOND, JSON.stringify(body))
  }
  t.match((await call(ann, 'PATCH', `/${id}`, { rateLimit: null })).json(), { rateLimit: null })
  t.match((await call(ann, 'POST', '', { scopes: ['api-keys:manage'] })).json(), { code: 'FST_API_KEY_SCOPE_NOT_ALLOWED' }, 'a group may withhold the scope of the API')
  t.match((await call(ann, 'POST', '', { expiresIn: '31d' })).json(), { statusCode: 400, code: 'FST_API_KEY_EXPIRY_TOO_LATE' })
  const { rateLimit } = (await call(ann, 'POST', '', {})).json()
  t.equal(rateLimit, null)
  await app.apiKeys.update(id, { rateLimit: false, enabled: false, allowedIps: ['127.0.0.1'] })
  t.match((await call(ann, 'PATCH', `/${id}`, { enabled: true, allowedIps: null, name: 'hers' })).json(), { state: 'active', name: 'hers', rateLimit: false }, 'what the application gave is hers')
  t.match((await call(ann, 'POST', `/${id}/rotate`)).json(), { id, rateLimit: false })
  t.ok((await app.apiKeys.identify(key))?.rotatedAt, 'and so is the new secret')
  t.match((await call(ann, 'PATCH', `/${id}`, { rateLimit: { max: 60, timeWindow: '1m' } })).json(), { rateLimit: { max: 60 } })
  t.match((await call(ann, 'PATCH', `/${id}`, { rateLimit: false })).json(), { ...BEYOND, message: /^rateLimit/ }, 'and not for her to bring back')
})

onEachEngine('changes at the same time add up to nothing that neither may', async (t, database) => {
  const { app, acting, call } = await withProgram(t, database, { scopes: ['a', 'b'] })
  const { id } = await app.apiKeys.create('ann', { scopes: ['admin'], allowedIps: ['192.0.2.1'] })
  for (let round = 0; round < 5; round++) {
    const responses = await Promise.all([
      call('PATCH', `/${id}`, { allowedIps: null }), call('PATCH', `/${id}`, { scopes: [] }), call('PATCH', `/${id}`, { scopes: ['a', 'b'], name: `${round}` }),
      call('PATCH', `/${acting.id}`, { scopes: ['a', 'api-keys:manage'] }), call('PATCH', `/${acting.id}`, { scopes: ['b', 'api-keys:manage'] })
    ])
    t.ok(responses.every(({ statusCode }) => statusCode === 200 || statusCode === 403))
    const { scopes, allowedIps } = await app.apiKeys.get(id) as KeyRecord
    t.ok(allowedIps !== null || !scopes.includes('admin'), `${scopes.join()} ${allowedIps?.join()}`)
    t.equal((await app.apiKeys.get(acting.id))?.scopes.length, 2, 'of two ways down one comes first, and the other would lead up')
    await app.apiKeys.update(id, { scopes: ['admin'], allowedIps: ['192.0.2.1'] })
    await app.apiKeys.update(acting.id, { scopes: ['a', 'b', 'api-keys:manage'] })
  }
})

t.test('what may be a secret, and was sent where something else was meant, is not repeated', async (t) => {
  const { acting, call } = await withProgram(t)
  const { key } = acting
  for (const body of [{ scopes: [key] }, { scopes: [`${'x'.repeat(69)} ${key}`] }, { [key]: 'x' }, { [`${'x'.repeat(69)} ${key}`]: 'x' }, { rateLimit: { max: 1, timeWindow: '1s', [key]: 1 } }]) {
    const response = await call('POST', '', body)
    t.match(response.json(), { statusCode: /^40[03]$/, message: '…' })
    t.notOk(response.body.includes(key.slice(3)))
  }
})

onEachEngine('a limit that is set for a moment and taken back lets no more pass', async (t, database) => {
  const { app, acting, call } = await withProgram(t, { ...database, rateLimit: { max: 100, timeWindow: '100s' } }, { scopes: ['a'] })
  const { id } = await app.apiKeys.create('ann', { scopes: ['a'] })
  const refused = { statusCode: 403, code: 'FST_API_KEY_BEYOND_OWN', message: 'rateLimit.timeWindow must be at least 100000 ms, unless it was shorter, as of whoever asks, got 1000 ms' }
  const byPerson = (body: object) => app.inject({ method: 'PATCH', url: `/api-keys/${id}`, headers: { user: 'ann' }, payload: body })
  for (const change of [(body: object) => call('PATCH', `/${id}`, body), byPerson]) {
    t.match((await change({ rateLimit: { max: 1, timeWindow: '1s' } })).json(), refused)
    t.equal((await change({ rateLimit: { max: 1, timeWindow: '200s' } })).statusCode, 200)
    t.equal((await change({ rateLimit: { max: 1, timeWindow: '150s' } })).statusCode, 200)
    t.equal((await change({ rateLimit: null })).statusCode, 200)
  }
  await app.apiKeys.update(id, { rateLimit: { max: 1, timeWindow: '1s' } })
  t.equal((await byPerson({ name: 'x' })).statusCode, 200, 'one that is shorter already stays')
  t.equal((await call('PATCH', `/${acting.id}`, { rateLimit: { max: 1, timeWindow: '1s' } })).statusCode, 200, 'and a key may give itself what it cannot take back')
})

onEachEngine('a key that is switched off while it asks is not switched on by what it asks', async (t, database) => {
  const { app, acting, call } = await withProgram(t, database, {})
  for (let round = 0; round < 20; round++) {
    const [response] = await Promise.all([call('PATCH', `/${acting.id}`, { enabled: true }), app.apiKeys.update(acting.id, { enabled: false })])
    t.ok([200, 401, 403].includes(response.statusCode))
    t.equal((await app.apiKeys.get(acting.id))?.state, 'disabled')
    await app.apiKeys.update(acting.id, { enabled: true })
  }
})

const anyLimit = fc.option(fc.record({ max: fc.integer({ min: 1, max: 50 }), span: fc.integer({ min: 1, max: 50 }) }), { nil: null })
const anyNetwork = fc.oneof(
  fc.tuple(fc.constantFrom('10.0.0.0', '10.128.0.0', '10.0.1.0', '127.0.0.1', '255.255.255.255'), fc.integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`),
  fc.tuple(fc.constantFrom('::', '2001:db8::', '2001:db8:8000::', '::ffff:10.0.0.0', '::ffff:0:0', 'ff00::'), fc.integer({ min: 0, max: 128 })).map(([address, bits]) => `${address}/${bits}`)
)
const anyAddress = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('10.0.0.1', '10.127.255.255', '10.128.0.1', '127.0.0.1', '::ffff:10.0.0.9', '2001:db8::1', '2001:db8:8000::1', '::1'))
const anyOwn = fc.oneof(fc.constant({ max: Infinity, span: Infinity, isLeft: false }), fc.record({ max: fc.integer({ min: 1, max: 20 }), span: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(Infinity)), isLeft: fc.constant(false) }))
const anyReach: fc.Arbitrary<KeyReach> = fc.record({
  scopes: fc.subarray(['a', 'b', 'c']),
  expiresAt: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
  allowedIps: fc.option(fc.array(anyNetwork, { minLength: 1, maxLength: 3 }), { nil: null }),
  rate: fc.oneof(anyOwn, fc.constant({ max: 10, span: 10, isLeft: true })),
  quota: fc.oneof(anyOwn, fc.constant({ max: Infinity, span: Infinity, isLeft: true }))
})

/** A reach that is another in most respects, since two that have nothing to do with each other are seldom one within the other. */
function nearTo (base: KeyReach): fc.Arbitrary<KeyReach> {
  return fc.tuple(anyReach, fc.record({ scopes: fc.nat(2), expiresAt: fc.nat(2), allowedIps: fc.nat(2), rate: fc.nat(2), quota: fc.nat(2) })).map(([other, dice]) => ({
    scopes: dice.scopes > 0 ? base.scopes : other.scopes,
    expiresAt: dice.expiresAt > 0 ? base.expiresAt : other.expiresAt,
    allowedIps: dice.allowedIps > 0 ? base.allowedIps : other.allowedIps,
    rate: dice.rate > 0 ? base.rate : other.rate,
    quota: dice.quota > 0 ? base.quota : other.quota
  }))
}

t.test('everything is within itself, and what is within something within is within', async (t) => {
  fc.assert(fc.property(anyReach, (one) => findExcess(one, one) === null))
  let met = 0
  const chain = anyReach.chain((three) => nearTo(three).chain((two) => fc.tuple(nearTo(two), fc.constant(two), fc.constant(three))))
  fc.assert(fc.property(chain, ([one, two, three]) => {
    const isChain = findExcess(one, two) === null && findExcess(two, three) === null
    if (isChain) met++
    return !isChain || findExcess(one, three) === null
  }), { numRuns: 3000 })
  t.ok(met > 100, `${met}`)
})

t.test('a rate that is within another lets no more pass at any time from the first request on, and others do', async (t) => {
  const counts = ({ max, span }: { max: number, span: number }, time: number) => max * Math.ceil(time / span)
  fc.assert(fc.property(anyLimit, anyLimit, (asked, own) => {
    const row = (rate: typeof asked) => ({ scopes: [], expiresAt: null, allowedIps: null, rateMax: rate?.max ?? 0, rateWindow: rate?.span ?? null, quotaMax: 0, quotaEvery: null, metadata: null })
    const isWithin = findExcess(reachOf(row(asked), PROFILE), reachOf(row(own), PROFILE)) === null
    if (own === null || asked === null) return isWithin === (own === null)
    const isLess = Array.from({ length: 2500 }, (_, i) => i + 1).every((time) => counts(asked, time) <= counts(own, time))
    return isWithin === isLess
  }), { numRuns: 500 })
  t.pass()
})

t.test('no address of networks that lie within others is outside of those', async (t) => {
  const listOf = (networks: readonly string[]) => {
    const list = { 4: new BlockList(), 6: new BlockList() }
    for (const network of networks) {
      const [address = '', bits] = network.split('/')
      // As documented: IPv4 also where it is mapped into IPv6, and no network of IPv6 has all of it.
      const mapped = isIP(address) === 6 && address.startsWith('::ffff:') && Number(bits) >= 96
      list[isIP(address) === 4 || mapped ? 4 : 6].addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6')
    }
    return (address: string) => {
      const isMapped = /^::ffff:\d+\.\d+\.\d+\.\d+$/.test(address)
      return list[isIP(address) === 4 || isMapped ? 4 : 6].check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
    }
  }
  let within = 0
  fc.assert(fc.property(fc.array(anyNetwork, { minLength: 1, maxLength: 2 }), fc.array(anyNetwork, { minLength: 1, maxLength: 3 }), fc.array(anyAddress, { minLength: 20, maxLength: 40 }), (inner, outer, addresses) => {
    if (!lieWithin(inner, outer)) return true
    within++
    const [isInner, isOuter] = [listOf(inner), listOf(outer)]
    return addresses.every((address) => !isInner(address) || isOuter(address))
  }), { numRuns: 5000 })
  t.ok(within > 100, `${within}`)
  t.notOk(lieWithin(['no network'], ['0.0.0.0/0', '::/0']), 'what is no network is in none')
  t.notOk(lieWithin(['10.0.0.1'], ['no network']), 'and has nothing in it')
})

t.test('whatever a program asks for, no key becomes more than it was and more than the program', async (t) => {
  const app = await server(t, { api: true, now: () => T0, pages: false })
  const networks = [null, ['127.0.0.0/8'], ['127.0.0.1'], ['127.0.0.1', '10.0.0.0/8'], ['0.0.0.0/0'], ['::ffff:127.0.0.1/120']]
  const limit = fc.oneof(fc.constantFrom(null, false as const), fc.record({ max: fc.integer({ min: 100, max: 120 }), timeWindow: fc.integer({ min: 1000, max: 1010 }) }))
  const quota = fc.oneof(fc.constantFrom(null, false as const), fc.record({ max: fc.integer({ min: 100, max: 120 }), every: fc.constantFrom(null, 10_000, 10_001) }))
  const grants = fc.record({
    scopes: fc.subarray(['a', 'b', 'c']), expiresAt: fc.constantFrom(null, T0 + DAY, T0 + 2 * DAY), allowedIps: fc.constantFrom(...networks), rateLimit: limit, quota
  })
  const changes = fc.record({
    scopes: fc.subarray(['a', 'b', 'c', 'api-keys:manage']),
    expiresAt: fc.constantFrom(null, new Date(T0 + DAY).toISOString(), new Date(T0 + 2 * DAY).toISOString()),
    allowedIps: fc.constantFrom(...networks),
    rateLimit: limit,
    quota,
    enabled: fc.boolean(),
    name: fc.constantFrom('x', 'y')
  }, { requiredKeys: [] })
  const outcomes = new Map<number, number>()
  await fc.assert(fc.asyncProperty(grants, grants, changes, fc.constantFrom('create', 'change', 'self'), fc.boolean(), async (own, theirs, body, act, isEnabled) => {
    const { enabled, ...grant } = body
    const acting = await manager(app, 'ann', own)
    const target = act === 'self' ? acting : await app.apiKeys.create('ann', theirs)
    if (act !== 'self') await app.apiKeys.update(target.id, { enabled: isEnabled })
    const before = await app.apiKeys.get(target.id) as KeyRecord
    const response = await app.inject({
      method: act === 'create' ? 'POST' : 'PATCH', url: act === 'create' ? '/api-keys' : `/api-keys/${target.id}`, headers: { 'x-api-authorization': acting.key }, payload: act === 'create' ? grant : body
    })
    outcomes.set(response.statusCode, (outcomes.get(response.statusCode) ?? 0) + 1)
    const after = await app.apiKeys.get(act === 'create' ? response.json().id ?? '' : target.id)
    if (after === null || act === 'create') return after === null || isLess(after, acting)
    const isSwitchedOn = !before.enabled && after.enabled
    return (isLess(after, before) && !isSwitchedOn) || (act === 'change' && isLess(after, acting))
  }), { numRuns: 400 })
  for (const status of [200, 201, 403]) t.ok((outcomes.get(status) ?? 0) > 0, `${status}: ${outcomes.get(status)}`)
  t.strictSame([...outcomes.keys()].sort(), [200, 201, 403])
})

/** Whether a key may nothing that another may not, told in another way than the code does. */
function isLess (one: KeyRecord, two: KeyRecord): boolean {
  const addresses = ['127.0.0.1', '127.0.0.200', '127.9.9.9', '10.1.1.1', '8.8.8.8', '2001:db8::1']
  const allows = ({ allowedIps }: KeyRecord, address: string) => {
    const version = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    return allowedIps === null || allowedIps.some((network) => {
      const list = new BlockList()
      const [base = '', bits = isIP(base) === 4 ? '32' : '128'] = network.split('/')
      list.addSubnet(base, Number(bits), isIP(base) === 4 ? 'ipv4' : 'ipv6')
      return list.check(address, version)
    })
  }
  const rate = ({ rateLimit }: KeyRecord, time: number) => rateLimit === null || rateLimit === false ? Infinity : rateLimit.max * Math.ceil(time / rateLimit.timeWindow)
  const uses = ({ quota }: KeyRecord, time: number) => quota === null ? Infinity : quota.max * (quota.every === null ? 1 : Math.ceil(time / quota.every))
  const times = [1, 1000, 1001, 1005, 1010, 2000, 5050, 10_000, 10_001, 20_000, 20_002, 1_000_000, 1e10]
  return one.scopes.every((scope) => two.scopes.includes(scope)) &&
    (two.expiresAt === null || (one.expiresAt !== null && one.expiresAt <= two.expiresAt)) &&
    addresses.every((address) => !allows(one, address) || allows(two, address)) &&
    times.every((time) => rate(one, time) <= rate(two, time) && uses(one, time) <= uses(two, time))
}
