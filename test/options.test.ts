import { inspect } from 'node:util'
import t from 'tap'
import { resolveOptions, type ApiKeyOptions } from '../lib/options.js'
import { bareServer } from './helpers/app.js'
import apiKey from '../lib/index.js'

/** Options as they come from JavaScript or a configuration file. */
function resolve (options: unknown) {
  return resolveOptions(options as ApiKeyOptions)
}

function refusal (options: unknown): { code: string, message: string } {
  try {
    resolve(options)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return { code: String(error.code), message: error.message }
    throw error
  }
  throw new Error(`taken: ${inspect(options)}`)
}

t.test('every option has a default', async (t) => {
  t.strictSame(resolve({}), {
    database: 'apikeys.db',
    schema: undefined,
    migrate: true,
    headers: ['X-Api-Authorization'],
    realm: 'API',
    required: true,
    prefixes: ['ak'],
    keySize: 32,
    terms: { maxKeys: -1 },
    scopes: null,
    groups: new Map(),
    autoProfile: true,
    getUser: undefined,
    pages: { prefix: '/keys', loginUrl: undefined, views: undefined, name: null, colors: {}, text: {} },
    api: null,
    cacheSize: 100_000,
    failureLimit: null,
    recordIp: true,
    now: Date.now
  })
})

t.test('undefined counts as not given', async (t) => {
  const names = ['database', 'migrate', 'header', 'realm', 'required', 'prefix', 'keySize', 'maxKeys', 'scopes', 'groups', 'expiry', 'autoProfile', 'getUser', 'pages', 'api', 'cache', 'rateLimit', 'quota', 'failureLimit', 'recordIp', 'now', 'schema']
  t.strictSame(resolve(Object.fromEntries(names.map((name) => [name, undefined]))), resolve({}))
  t.strictSame(resolve({ pages: { prefix: undefined, loginUrl: undefined, views: undefined }, cache: { max: undefined } }), resolve({}))
})

t.test('what is given is taken', async (t) => {
  const getUser = () => null
  const autoProfile = async () => true
  const now = () => 5
  t.match(resolve({
    database: ':memory:',
    migrate: false,
    header: ['Authorization', 'X-Key'],
    realm: 'My (API), v2',
    required: false,
    prefix: ['a', 'B_9'],
    keySize: 22,
    maxKeys: 0,
    scopes: { a: 'A' },
    groups: { free: { maxKeys: 1, scopes: ['a'], expiry: { default: false }, rateLimit: false, quota: { max: 3 }, canUseApi: false, canMakeKeys: true }, none: { quota: false } },
    expiry: { default: 5, max: '1d' },
    api: { prefix: '/api', trustedOrigins: ['https://app.example.com', 'http://localhost:5173'] },
    autoProfile,
    getUser,
    pages: { prefix: '/a/b', loginUrl: '/login', views: 'views' },
    cache: { max: 2 },
    rateLimit: { max: 9, timeWindow: '1h' },
    quota: { max: 7, every: '30d' },
    failureLimit: { max: 5, timeWindow: '1m' },
    recordIp: false,
    now
  }), {
    database: ':memory:',
    migrate: false,
    headers: ['Authorization', 'X-Key'],
    realm: 'My (API), v2',
    required: false,
    prefixes: ['a', 'B_9'],
    keySize: 22,
    terms: { maxKeys: 0, expiryDefault: 5, expiryMax: 86_400_000, rateMax: 9, rateWindow: 3_600_000 },
    scopes: new Map([['a', 'A']]),
    groups: new Map([['free', { maxKeys: 1, scopes: ['a'], expiryDefault: 0, rateMax: 0, canUseApi: false, canMakeKeys: true }], ['none', {}]]),
    api: { prefix: '/api', trustedOrigins: new Set(['https://app.example.com', 'http://localhost:5173']) },
    autoProfile,
    getUser,
    pages: { prefix: '/a/b', loginUrl: '/login', views: 'views' },
    cacheSize: 2,
    failureLimit: { max: 5, timeWindow: 60_000 },
    recordIp: false
  })
  t.match(resolve({ pages: false, cache: false, keySize: 128, maxKeys: 1_000_000 }), { pages: false, cacheSize: false, keySize: 128, terms: { maxKeys: 1_000_000 } })
  for (const api of [true, {}, { prefix: undefined, trustedOrigins: undefined }]) t.strictSame(resolve({ api }).api, { prefix: '/api-keys', trustedOrigins: new Set() })
  t.equal(resolve({ api: false }).api, null)
  t.ok(resolve({ api: { prefix: '/keys' } }), 'without getUser there are no pages')
  t.ok(resolve({ api: { prefix: '/keys' }, getUser: () => null, pages: false }))
  for (const loginUrl of ['/', '/login?from=keys', 'https://id.example.org/login', 'http://localhost:3000/']) t.ok(resolve({ pages: { loginUrl } }))
  t.equal(resolve({ cache: { max: 10_000_000 } }).cacheSize, 10_000_000)
})

t.test('each wrong value is refused with the name of the option and what is allowed', async (t) => {
  const wrong: Record<string, { allowed: RegExp, values: unknown[] }> = {
    database: { allowed: /path to a SQLite file/, values: ['', ' ', 'a\0b', 'mysql://host/db', 'HTTP://x', 1, null, true, {}, [], { prepare: 1 }, { $client: {} }, () => {}] },
    migrate: { allowed: /a boolean/, values: ['false', 0, null, {}] },
    header: {
      allowed: /the name of a request header or a list/,
      values: ['', 'a b', 'X:Y', 'Host', 'content-type', 'Cookie', [], ['X-A', 'X-A'], ['X-A', 'x-a'], ['X-A', ''], ['X-A', 1], new Array(1), 5, null, {}]
    },
    realm: { allowed: /printable ASCII/, values: ['', 'a"b', 'a\\b', 'ä', 'a\r\nb', 'x'.repeat(101), 1, null] },
    required: { allowed: /a boolean/, values: ['optional', 0, null] },
    prefix: { allowed: /a letter followed by/, values: ['', '1', 'a-b', 'x'.repeat(17), [], ['ak', 'ak'], ['ak', ''], 1, null, {}] },
    keySize: { allowed: /whole number from 22 to 128/, values: [21, 129, 32.5, NaN, Infinity, '32', null] },
    maxKeys: { allowed: /-1 \(unlimited\) or a whole number from 0 to 1000000/, values: [-2, 1.5, NaN, 1_000_001, '5', null] },
    scopes: { allowed: /an object (with a description|whose names are scopes)/, values: ['a', 5, null, ['a'], { '': 'x' }, { 'a b': 'x' }, { 'a"b': 'x' }, { ['x'.repeat(101)]: 'x' }] },
    groups: { allowed: /an object (with a group|whose names)/, values: ['a', 5, null, [], { '': {} }, { ['x'.repeat(101)]: {} }] },
    expiry: { allowed: /an object with default and max/, values: ['90d', 5, null, []] },
    api: { allowed: /a boolean or an object/, values: ['/api', 5, null, []] },
    autoProfile: { allowed: /a boolean or a function/, values: ['yes', 1, null, {}] },
    getUser: { allowed: /a function/, values: [true, 'user', null, {}] },
    pages: { allowed: /false or an object/, values: [true, '/keys', null, []] },
    cache: { allowed: /false or an object/, values: [true, 1000, null, []] },
    rateLimit: { allowed: /an object with max and timeWindow/, values: [true, false, 5, null, [], {}, { max: 5 }, { timeWindow: 5000 }] },
    quota: { allowed: /an object with max and, where it begins anew, every/, values: [true, false, 5, null, [], {}, { every: '1d' }] },
    failureLimit: { allowed: /an object/, values: [true, 5, null, [], {}, { max: 5 }, { timeWindow: 5000 }] },
    recordIp: { allowed: /a boolean/, values: ['no', 0, null] },
    now: { allowed: /a function/, values: [5, null, new Date()] }
  }
  for (const [name, { allowed, values }] of Object.entries(wrong)) {
    for (const value of values) {
      const { code, message } = refusal({ [name]: value })
      t.equal(code, 'FST_API_KEY_INVALID_OPTION')
      t.ok(message.startsWith(`The option ${name} must be `), message)
      t.match(message, allowed)
    }
  }
  t.strictSame(Object.keys(wrong).toSorted(), ['api', 'autoProfile', 'cache', 'database', 'expiry', 'failureLimit', 'getUser', 'groups', 'header', 'keySize', 'maxKeys', 'migrate', 'now', 'pages', 'prefix', 'quota', 'rateLimit', 'realm', 'recordIp', 'required', 'scopes'])
})

t.test('each wrong nested value is refused with its full name', async (t) => {
  const wrong: [string, object, RegExp][] = [
    ...['', 'x'.repeat(101), 5, null].map((name): [string, object, RegExp] => ['pages.name', { pages: { name } }, /text of 1 to 100 characters/]),
    ...[null, 'fr', []].map((text): [string, object, RegExp] => ['pages.text', { pages: { text } }, /an object with texts by name, or a function/]),
    ...['keys', '/keys/', '/', '', '/a b', '/a?b', '/:id', '/*', 1, null].map((prefix): [string, object, RegExp] => ['pages.prefix', { pages: { prefix } }, /a path such as \/keys/]),
    ...['', 'login', '//evil.example', '/\\evil.example', 'ftp://x', 'javascript:alert(1)', 'http://', '/\t/evil.example', '/a\nb', '/a b', '/anmelden/für', 1, null].map((loginUrl): [string, object, RegExp] => ['pages.loginUrl', { pages: { loginUrl } }, /a path on this server or an http/]),
    ...['', 'a\0b', 1, null].map((views): [string, object, RegExp] => ['pages.views', { pages: { views } }, /the path of a folder/]),
    ...['api', '/api/', '', 5, null].map((prefix): [string, object, RegExp] => ['api.prefix', { api: { prefix } }, /a path such as \/api-keys/]),
    ...['https://app.example.com', null, {}, ['https://app.example.com/'], ['HTTPS://app.example.com'], ['https://app.example.com:443'], ['app.example.com'], ['*'], ['https://*.example.com'], ['null'], ['file://'], ['app://x'], ['https://ann@app.example.com'], ['https://app.example.com', 5], new Array(1)]
      .map((trustedOrigins): [string, object, RegExp] => ['api.trustedOrigins', { api: { trustedOrigins } }, /a list of origins such as https:\/\/app\.example\.com, without a path/]),
    ['api.prefix', { getUser: () => null, api: { prefix: '/keys' } }, /another path than that of the pages, got the same/],
    ['api.prefix', { getUser: () => null, api: true, pages: { prefix: '/api-keys' } }, /another path than that of the pages/],
    ...['', 5, null, 'x'.repeat(201)].map((text): [string, object, RegExp] => ['scopes.a', { scopes: { a: text } }, /text of 1 to 200 characters/]),
    ...['soon', '1', '1 month', 0, -1, 1.5, '0d', '101y', NaN, true].flatMap((life): [string, object, RegExp][] => [['expiry.max', { expiry: { max: life } }, /whole number of milliseconds, or text such as '90d'.*up to 100 years/], ['groups.a.expiry.default', { groups: { a: { expiry: { default: life } } } }, /or text such as '90d'/]]),
    ['expiry.default', { expiry: { default: '91d', max: '90d' } }, /at most expiry\.max/],
    ['expiry.default', { expiry: { default: false, max: '90d' } }, /at most expiry\.max, got without end/],
    ['expiry.min', { expiry: { min: 5 } }, /one of default, max/],
    ...[5, null, 'x', []].map((group): [string, object, RegExp] => ['groups.a', { groups: { a: group } }, /an object/]),
    ['groups.a.maxKeys', { groups: { a: { maxKeys: -2 } } }, /-1 \(unlimited\)/],
    ['groups.a.canUseApi', { groups: { a: { canUseApi: null } } }, /a boolean/],
    ['groups.a.canMakeKeys', { groups: { a: { canMakeKeys: 'yes' } } }, /a boolean/],
    ['groups.a.expiry', { groups: { a: { expiry: null } } }, /an object with default and max/],
    ['groups.a.scopes', { scopes: { a: 'A' }, groups: { a: { scopes: ['b'] } } }, /a list of different scopes of a, got an array with "b"$/],
    ['groups.a.scopes', { groups: { a: { scopes: ['a', 'a'] } } }, /a list of at most 100 different scopes.*, got an array$/],
    ['header', { header: ['X-A', 'a b'] }, /got an array with "a b"$/],
    ['prefix', { prefix: ['ok', 5] }, /got an array with 5$/],
    ['groups.a.role', { groups: { a: { role: 'x' } } }, /one of maxKeys, scopes, expiry, rateLimit, quota, canUseApi, canMakeKeys/],
    ...[0, 1, 1.5, 10_000_001, '5', null].map((max): [string, object, RegExp] => ['cache.max', { cache: { max } }, /a whole number from 2 to 10000000/]),
    ...['failureLimit', 'rateLimit'].flatMap((name): [string, object, RegExp][] => [
      ...[0, -1, 1.5, NaN, 1_000_000_001, '5', null].map((max): [string, object, RegExp] => [`${name}.max`, { [name]: { max, timeWindow: 1000 } }, /a whole number from 1 to 1000000000/]),
      ...[0, 999, -1000, 1000.5, Infinity, '32d', 'soon', null].map((timeWindow): [string, object, RegExp] => [`${name}.timeWindow`, { [name]: { max: 1, timeWindow } }, /from 1 second to 31 days/]),
      [`${name}.burst`, { [name]: { max: 1, timeWindow: 1000, burst: 2 } }, /one of max, timeWindow/]
    ]),
    ...[0, -1, 1.5, NaN, 1_000_000_001, '5', null].map((max): [string, object, RegExp] => ['quota.max', { quota: { max } }, /a whole number from 1 to 1000000000/]),
    ...[0, 999, 1000.5, 'soon', '101y', true].map((every): [string, object, RegExp] => ['groups.a.quota.every', { groups: { a: { quota: { max: 1, every } } } }, /from 1 second on/]),
    ['quota.per', { quota: { max: 1, per: '1d' } }, /one of max, every/],
    ['groups.a.quota', { groups: { a: { quota: 5 } } }, /false for none, or null for what holds otherwise/],
    ['groups.a.quota', { groups: { a: { quota: { every: '1d' } } } }, /an object with max/],
    ['groups.a.rateLimit', { groups: { a: { rateLimit: 5 } } }, /an object with max and timeWindow/],
    ['groups.a.rateLimit', { groups: { a: { rateLimit: { max: 5 } } } }, /an object with max and timeWindow/],
    ['groups.a.rateLimit.max', { groups: { a: { rateLimit: { max: 0, timeWindow: 1000 } } } }, /a whole number/]
  ]
  for (const [name, options, allowed] of wrong) {
    const { code, message } = refusal(options)
    t.equal(code, 'FST_API_KEY_INVALID_OPTION')
    t.ok(message.startsWith(`The option ${name} must be `), message)
    t.match(message, allowed)
  }
})

t.test('an unknown name is refused with the names there are', async (t) => {
  t.match(refusal({ headers: 'X-Key' }).message, /^The option headers must be one of database, schema, migrate, header, .*, got an unknown name$/)
  t.match(refusal({ pages: { path: '/keys' } }).message, /^The option pages\.path must be one of prefix, loginUrl, views, name, colors, text, got an unknown name$/)
  t.match(refusal({ cache: { size: 5 } }).message, /^The option cache\.size must be one of max, got an unknown name$/)
  t.match(refusal(JSON.parse('{"__proto__":1}')).message, /^The option __proto__ must be one of/)
  t.match(refusal({ toString: 1 }).message, /^The option toString must be one of/)
  t.match(refusal({ constructor: 1 }).message, /^The option constructor must be one of/)
  for (const options of [null, [], 'x', 5]) t.match(refusal(options).message, /^The option object must be an object, got /)
})

t.test('a password in a wrong database is not shown', async (t) => {
  for (const database of ['mysql://root:hunter2@host/db', { password: 'hunter2' }, ['hunter2'], 'mongodb+srv://u:hunter2@h']) {
    const { message } = refusal({ database })
    t.notMatch(message, /hunter2/)
    t.match(message, /^The option database must be /)
  }
})

t.test('the object is neither changed nor kept', async (t) => {
  const options = { header: ['X-A', 'X-B'], prefix: ['a', 'b'], pages: { prefix: '/mine' }, cache: { max: 5 } }
  const copy = structuredClone(options)
  const settings = resolve(options)
  t.strictSame(options, copy)
  options.header.push('X-C')
  options.prefix.push('c')
  options.pages.prefix = '/other'
  t.match(settings, { headers: ['X-A', 'X-B'], prefixes: ['a', 'b'], pages: { prefix: '/mine' } })
  t.equal(settings.headers.length, 2)
  t.equal(settings.prefixes.length, 2)
  t.strictSame(resolve(Object.freeze({ header: Object.freeze(['X-A']) })).headers, ['X-A'])
})

t.test('register fails with the error of a wrong option', async (t) => {
  const app = bareServer(t)
  app.register(apiKey, { keySize: 5 })
  await t.rejects(async () => { await app.ready() }, { code: 'FST_API_KEY_INVALID_OPTION', message: 'The option keySize must be a whole number from 22 to 128, got 5' })
})

t.test('a schema is a name that PostgreSQL takes, and only for a PostgreSQL database', async (t) => {
  const database = 'postgres://localhost/app'
  t.equal(resolve({ database, schema: 'api_keys' }).schema, 'api_keys')
  for (const schema of ['', 'pg_keys', 'a\0b', 'x'.repeat(64), 'ä'.repeat(32), 1, null]) {
    const { code, message } = refusal({ database, schema })
    t.equal(code, 'FST_API_KEY_INVALID_OPTION')
    t.ok(message.startsWith('The option schema must be '), message)
  }
  t.match(refusal({ schema: 'api_keys' }).message, /^The option schema must be .*, got one with SQLite$/)
})

t.test('a password that is not encoded makes no PostgreSQL URL, and shows nowhere', async (t) => {
  for (const password of ['p@ses/ame', 'p@ses#ame', 'pses/ame', 'p#sesame']) {
    const { code, message } = refusal({ database: `postgres://ann:${password}@localhost/app` })
    t.equal(code, 'FST_API_KEY_INVALID_OPTION')
    t.notMatch(message, /ses|ame/)
  }
  const database = 'postgres://ann:p%40ses%2Fame@localhost/a%40b?user=ann@there'
  t.equal(resolve({ database }).database, database)
})

t.test('the clock is read in whole milliseconds, and one that gives no number is told so', async (t) => {
  t.equal(resolve({ now: () => 1234.9 }).now(), 1234)
  for (const wrong of [NaN, Infinity, new Date(), '5', undefined]) {
    t.throws(() => resolve({ now: () => wrong }).now(), { code: 'FST_API_KEY_INVALID_CALLBACK_RESULT', message: /^now must return a number of milliseconds/ })
  }
})
