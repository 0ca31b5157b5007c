import t from 'tap'
import type { ApiKeys } from '../lib/index.js'
import { server, T0 } from './helpers/app.js'
import { spyingDatabase } from './helpers/sqlite.js'

/** The service as JavaScript sees it: it takes anything. */
type Untyped = { [method in Exclude<keyof ApiKeys, 'profiles'>]: (...args: unknown[]) => Promise<unknown> } &
  { profiles: { [method in keyof ApiKeys['profiles']]: (...args: unknown[]) => Promise<unknown> } }

const NOT_IDS = [undefined, null, '', 5, true, {}, ['ann'], Symbol('ann'), 'x'.repeat(256), 'a\0b', 'a\nb', '\ud800', new Date()]
const NOT_STRINGS = [undefined, null, 5, {}, ['x'], () => 'x']
const NOT_OBJECTS = [null, 5, 'x', [], true]
const NOT_NAMES = [null, 5, {}, 'x'.repeat(101), 'a\u0007b', '\udfff', ['x']]
const NOT_REASONS = [null, 5, {}, 'x'.repeat(201), 'a\nb']
const NOT_DURATIONS = [null, 0, -1, 1.5, NaN, Infinity, 3_153_600_000_001, '', '5', 'd', '1.5d', '-1d', '0d', '1 month', '1D', '101y', '9'.repeat(20) + 'd', ' 1d', '1d ', {}, new Date()]
const NOT_SCOPES = ['a:read', {}, ['a:write'], ['a:read', 'a:read'], [5], [''], ['a:read '], new Array(1)]
const NOT_NETWORKS = [
  'x', '10.0.0.1', [], {}, [5], [''], ['10.0.0.0/33'], ['10.0.0.0/-1'], ['10.0.0.0/08'], ['10.0.0/8'], ['10.0.0.0/'], ['10.0.0.256'], ['::1/129'], ['fe80::1%eth0'], ['localhost'], ['*'],
  [' 10.0.0.1'], ['010.0.0.1'], ['10.0.0.1', 'nonsense'], Array.from({ length: 101 }, () => '::1'), new Array(1)
]
const circular: Record<string, unknown> = {}
circular['self'] = circular
const NOT_METADATA = ['x', 5, [], true, circular, { at: new Date() }, { big: 5n }, { f () {} }, { gone: undefined }, { nan: NaN }, { nul: '\0' }, { half: '\ud800' }, { text: 'x'.repeat(8192) }, new Map([['a', 1]])]
const NOT_BY: [unknown, string][] = [
  ...NOT_OBJECTS.map((by): [unknown, string] => [by, 'the last argument']),
  [{ actor: '' }, 'actor'], [{ actor: 5 }, 'actor'], [{ ip: 5 }, 'ip'], [{ ip: '' }, 'ip'], [{ ip: 'x'.repeat(101) }, 'ip'], [{ user: 'ann' }, 'user']
]

const NOT_MAX = [0, -1, 1.5, NaN, Infinity, 1_000_000_001, '5', true, null]

/** Wrong rate limits and quotas, for whatever takes them. */
function limitCalls (call: (fields: object) => Promise<unknown>): [unknown[], (argument: unknown) => Promise<unknown>, string][] {
  return [
    [[true, 5, '5/s', [], {}, { max: 5 }, { timeWindow: 1000 }], (rateLimit) => call({ rateLimit }), 'rateLimit'],
    [NOT_MAX, (max) => call({ rateLimit: { max, timeWindow: 1000 } }), 'rateLimit.max'],
    [[0, 999, -1, 1500.5, '32d', 'soon', true, NaN, null], (timeWindow) => call({ rateLimit: { max: 5, timeWindow } }), 'rateLimit.timeWindow'],
    [[5], (burst) => call({ rateLimit: { max: 5, timeWindow: 1000, burst } }), 'rateLimit.burst'],
    [[true, 5, '5', [], {}, { every: '1d' }], (quota) => call({ quota }), 'quota'],
    [NOT_MAX, (max) => call({ quota: { max } }), 'quota.max'],
    [[0, 999, -1, 1500.5, '1 month', '101y', true, NaN], (every) => call({ quota: { max: 5, every } }), 'quota.every'],
    [[5], (per) => call({ quota: { max: 5, per } }), 'quota.per']
  ]
}

t.test('wrong arguments are refused before the database is touched, with their name and what is allowed', async (t) => {
  const { database, statements } = spyingDatabase(t)
  const app = await server(t, { database, now: () => T0, scopes: { 'a:read': 'Read' }, groups: { free: {} }, autoProfile: () => { throw new Error('asked') } })
  const keys = app.apiKeys as unknown as Untyped
  const { profiles } = keys
  const id = '0198abcd-0000-7000-8000-000000000001'
  const nonce = 'n'.repeat(16)

  const calls: [unknown[], (argument: unknown) => Promise<unknown>, string][] = [
    [NOT_IDS, (userId) => keys.create(userId), 'userId'],
    [NOT_OBJECTS, (options) => keys.create('ann', options), 'the second argument'],
    [NOT_NAMES, (name) => keys.create('ann', { name }), 'name'],
    [[null, 5, '', 'n'.repeat(15), 'n'.repeat(101), `${nonce}\n`], (nonce) => keys.create('ann', { nonce }), 'nonce'],
    [[1], (secret) => keys.create('ann', { name: 'x', secret }), 'secret'],
    [[1], (userId) => keys.create('ann', { userId }), 'userId'],
    [[undefined, null, 'ann', {}, 5], (batch) => keys.createMany(batch), 'the first argument'],
    [[null, 5, 'ann', []], (fields) => keys.createMany([{ userId: 'ann' }, fields]), '[1]'],
    [[new Array(1)], (batch) => keys.createMany(batch), '[0]'],
    [NOT_IDS, (userId) => keys.createMany([{ userId: 'ann' }, { userId }]), '[1].userId'],
    [NOT_NAMES, (name) => keys.createMany([{ userId: 'ann', name }]), '[0].name'],
    [[nonce], (nonce) => keys.createMany([{ userId: 'ann', nonce }]), '[0].nonce'],
    [NOT_STRINGS, (keyId) => keys.get(keyId), 'keyId'],
    [NOT_IDS, (userId) => keys.list(userId), 'userId'],
    [NOT_STRINGS, (keyId) => keys.update(keyId, { name: 'x' }), 'keyId'],
    [[undefined, ...NOT_OBJECTS], (changes) => keys.update(id, changes), 'the second argument'],
    [NOT_NAMES, (name) => keys.update(id, { name }), 'name'],
    [[true], (revoked) => keys.update(id, { revoked }), 'revoked'],
    [NOT_STRINGS, (keyId) => keys.revoke(keyId), 'keyId'],
    [NOT_OBJECTS, (options) => keys.revoke(id, options), 'the second argument'],
    [NOT_REASONS, (reason) => keys.revoke(id, { reason }), 'reason'],
    [[''], (actor) => keys.revoke(id, { actor }), 'actor'],
    [NOT_IDS, (userId) => keys.revokeAll(userId), 'userId'],
    [NOT_REASONS, (reason) => keys.revokeAll('ann', { reason }), 'reason'],
    [NOT_STRINGS, (keyId) => keys.rotate(keyId), 'keyId'],
    [NOT_OBJECTS, (options) => keys.rotate(id, options), 'the second argument'],
    [[-1, 1.5, '24', 'h', '-1h', null, NaN], (overlap) => keys.rotate(id, { overlap }), 'overlap'],
    [[undefined, ...NOT_OBJECTS], (options) => keys.expiring(options), 'the argument'],
    [[undefined, ...NOT_DURATIONS], (within) => keys.expiring({ within }), 'within'],
    [[undefined, ...NOT_DURATIONS], (olderThan) => keys.prune({ olderThan }), 'olderThan'],
    [['14d'], (before) => keys.prune({ olderThan: '14d', before }), 'before'],
    ...[
      (fields: object) => keys.create('ann', fields), (fields: object) => keys.update(id, fields)
    ].flatMap((call): [unknown[], (argument: unknown) => Promise<unknown>, string][] => [
      [NOT_SCOPES, (scopes) => call({ scopes }), 'scopes'],
      [[T0, T0 - 1, new Date(T0), new Date(NaN), 1.5 + T0, Date.UTC(10_000, 0), '2030-01-01', true, NaN], (expiresAt) => call({ expiresAt }), 'expiresAt'],
      [NOT_DURATIONS, (expiresIn) => call({ expiresIn }), 'expiresIn'],
      [[T0 + 5, null], (expiresAt) => call({ expiresAt, expiresIn: '1d' }), 'expiresIn'],
      [NOT_NETWORKS, (allowedIps) => call({ allowedIps }), 'allowedIps'],
      [NOT_METADATA, (metadata) => call({ metadata }), 'metadata'],
      ...limitCalls(call)
    ]),
    ...limitCalls((fields) => profiles.create('ann', fields)),
    ...limitCalls((fields) => profiles.update('ann', fields)),
    [NOT_MAX, (max) => keys.createMany([{ userId: 'ann' }, { userId: 'ann', quota: { max } }]), '[1].quota.max'],
    [NOT_MAX, (max) => keys.createMany([{ userId: 'ann', rateLimit: { max, timeWindow: 1000 } }]), '[0].rateLimit.max'],
    [['yes', 0, null], (enabled) => keys.update(id, { enabled }), 'enabled'],
    [[true], (enabled) => keys.create('ann', { enabled }), 'enabled'],
    [NOT_SCOPES, (scopes) => keys.createMany([{ userId: 'ann', scopes }]), '[0].scopes'],
    [[T0 + 5], (expiresAt) => keys.createMany([{ userId: 'ann', expiresAt, expiresIn: '1d' }]), '[0].expiresIn'],
    [NOT_SCOPES, (scopes) => profiles.update('ann', { scopes }), 'scopes'],
    [['gold', '', 5, true, 'toString', '__proto__'], (group) => profiles.create('ann', { group }), 'group'],
    [['90d', 5, []], (expiry) => profiles.update('ann', { expiry }), 'expiry'],
    [[...NOT_DURATIONS.filter((value) => value !== null), true], (max) => profiles.update('ann', { expiry: { max } }), 'expiry.max'],
    [['2d', false], (life) => profiles.create('ann', { expiry: { default: life, max: '1d' } }), 'expiry.default'],
    [NOT_STRINGS, (keyId) => keys.logout(keyId), 'keyId'],
    [NOT_STRINGS, (secret) => keys.verify(secret), 'secret'],
    [NOT_OBJECTS, (options) => keys.verify('x', options), 'the second argument'],
    [[5, null, '', 'x'.repeat(101)], (ip) => keys.verify('x', { ip }), 'ip'],
    [['x'], (address) => keys.verify('x', { address }), 'address'],
    [NOT_STRINGS, (secret) => keys.identify(secret), 'secret'],
    [NOT_IDS, (userId) => profiles.create(userId), 'userId'],
    [NOT_OBJECTS, (options) => profiles.create('ann', options), 'the second argument'],
    [[-2, 1.5, NaN, Infinity, 1_000_001, '5', true], (maxKeys) => profiles.create('ann', { maxKeys }), 'maxKeys'],
    [['yes', 0, {}], (canUseApi) => profiles.create('ann', { canUseApi }), 'canUseApi'],
    [['yes', 1, {}], (canMakeKeys) => profiles.update('ann', { canMakeKeys }), 'canMakeKeys'],
    [[1], (id) => profiles.update('ann', { id }), 'id'],
    [NOT_IDS, (userId) => profiles.get(userId), 'userId'],
    [NOT_IDS, (userId) => profiles.update(userId, {}), 'userId'],
    [[undefined, ...NOT_OBJECTS], (changes) => profiles.update('ann', changes), 'the second argument'],
    [NOT_IDS, (userId) => profiles.delete(userId), 'userId'],
    [NOT_OBJECTS, (paging) => profiles.list(paging), 'the argument'],
    [[-1, 1.5, '1', null], (cursor) => profiles.list({ cursor }), 'cursor'],
    [[0, 1001, 1.5, '1', null], (limit) => profiles.list({ limit }), 'limit'],
    [[1], (page) => profiles.list({ page }), 'page']
  ]
  const changes: ((by: unknown) => Promise<unknown>)[] = [
    (by) => keys.create('ann', {}, by), (by) => keys.createMany([], by), (by) => keys.update(id, {}, by), (by) => keys.revoke(id, {}, by), (by) => keys.revokeAll('ann', {}, by), (by) => keys.rotate(id, {}, by),
    (by) => keys.logout(id, by), (by) => profiles.create('ann', {}, by), (by) => profiles.update('ann', {}, by), (by) => profiles.delete('ann', by)
  ]
  for (const call of changes) for (const [by, name] of NOT_BY) calls.push([[by], call, name])

  statements.length = 0
  for (const [values, call, name] of calls) {
    for (const value of values) {
      const error: unknown = await call(value).then(() => null, (error: unknown) => error)
      if (!(error instanceof Error)) {
        t.fail(`taken: ${name}`, { value: String(value) })
        continue
      }
      t.match(error, { code: 'FST_API_KEY_INVALID_ARGUMENT', statusCode: 400 })
      t.ok(error.message.startsWith(`${name} must be `), error.message)
      t.match(error.message, /^.+ must be .+, got .+$/)
    }
  }
  t.strictSame(statements, [], 'no statement was run')
})

t.test('an error does not repeat a text that may be a secret', async (t) => {
  const { apiKeys } = await server(t)
  const { key } = await apiKeys.create('ann')
  const untyped = apiKeys as unknown as Untyped
  const calls = [
    () => apiKeys.revoke(key), () => apiKeys.logout(key), () => apiKeys.update(key, { name: 'x' }), () => apiKeys.verify(`${key}0`),
    () => untyped.create('ann', key), () => untyped.create('ann', { name: key.padEnd(101, key) }), () => untyped.profiles.update('ann', { maxKeys: key }),
    () => apiKeys.profiles.update(key, { maxKeys: 1 }), () => apiKeys.profiles.delete(key), () => untyped.create('ann', { [key]: 'x' }),
    () => apiKeys.create('bob', { scopes: ['a', key] }), () => apiKeys.create('eve', { name: key }).then(() => apiKeys.create('eve', { nonce: 'x'.repeat(16), scopes: [`${key}x`, `${key}x`] }))
  ]
  await apiKeys.profiles.create('bob', { scopes: ['a'] })
  for (const call of calls) {
    const error: unknown = await call().then(() => null, (error: unknown) => error)
    t.ok(error instanceof Error && !error.message.includes(key.slice(-20)), error instanceof Error ? error.message : 'taken')
  }
  const short = await server(t, { keySize: 22, scopes: { a: 'A' } })
  const { key: secret } = await short.apiKeys.create('ann')
  for (const text of [secret, `${'x'.repeat(69)} ${secret}`, `${'x'.repeat(90)} ${secret}`]) {
    for (const call of [() => short.apiKeys.create('ann', { scopes: [text] }), () => short.apiKeys.create('ann', { allowedIps: ['::1', text] }), () => untyped.create('ann', { [text]: 1 })]) {
      const error: unknown = await call().then(() => null, (error: unknown) => error)
      t.ok(error instanceof Error && !error.message.includes(secret.slice(3, 13)), error instanceof Error ? error.message : 'taken')
    }
  }
  await t.rejects(apiKeys.revoke(key), { code: 'FST_API_KEY_NOT_FOUND', message: 'No API key has the id "…"' })
})

t.test('the objects that are passed are neither changed nor kept', async (t) => {
  let decide = (_answer: boolean) => {}
  const { apiKeys } = await server(t, { autoProfile: () => new Promise<boolean>((resolve) => { decide = resolve }) })
  const batch = [{ userId: 'ann', name: 'first' }]
  const made = apiKeys.createMany(batch)
  await new Promise(setImmediate)
  batch[0] = { userId: 'eve', name: 'x'.repeat(500) }
  batch.push({ userId: 'eve', name: 'second' })
  decide(true)
  t.match(await made, [{ userId: 'ann', name: 'first' }])
  t.strictSame(await apiKeys.list('eve'), [])

  const options = Object.freeze({ name: 'laptop' })
  const by = Object.freeze({ actor: 'admin', ip: '10.0.0.1' })
  t.match(await apiKeys.create('ann', options, by), { name: 'laptop' })
  t.match(await apiKeys.profiles.create('ann', Object.freeze({ maxKeys: null }), by), { userId: 'ann' })
})

t.test('an object whose properties are not its own is refused, since checking would miss them', async (t) => {
  const app = await server(t)
  const { id } = await app.apiKeys.create('ann')
  await t.rejects(app.apiKeys.update(id, Object.create({ name: 'x'.repeat(500) })), { code: 'FST_API_KEY_INVALID_ARGUMENT' })
  t.equal((await app.apiKeys.get(id))?.name, '')
  await t.resolves(app.apiKeys.update(id, Object.assign(Object.create(null), { name: 'Laptop' })))
})

t.test('an application finds on apiKeys what is documented, and nothing by which keys could be let in', async (t) => {
  const { apiKeys } = await server(t)
  const namesOf = (object: object) => [...Object.getOwnPropertyNames(object), ...Object.getOwnPropertyNames(Object.getPrototypeOf(object))].filter((name) => !name.startsWith('_'))
  t.strictSame(namesOf(apiKeys).toSorted(), [
    'constructor', 'count', 'create', 'createMany', 'expiring', 'find', 'flush', 'get', 'history', 'identify', 'list', 'logout', 'profiles', 'prune', 'rateLimit',
    'revoke', 'revokeAll', 'rotate', 'update', 'usage', 'verify'
  ])
  t.strictSame(namesOf(apiKeys.profiles).toSorted(), ['constructor', 'create', 'delete', 'get', 'list', 'update'])
  t.strictSame(Object.getOwnPropertyNames(apiKeys.constructor).toSorted(), ['length', 'name', 'prototype'])
})
