import { join } from 'node:path'
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'
import Database from 'better-sqlite3'
import t from 'tap'
import ts from 'typescript'
import * as errors from '../lib/errors.js'
import { resolveOptions, type ApiKeyOptions } from '../lib/options.js'
import apiKey, { type GroupOptions } from '../lib/index.js'
import { bareServer, Clock, server } from './helpers/app.js'
import { ROOT, rows } from './helpers/readme.js'

t.test('the table of options names every option, and its defaults are the defaults', async (t) => {
  const table = rows('Options', 'option')
  const names = table.map(([name = '']) => name)
  const inside = (object: string) => names.filter((name) => name.startsWith(object)).map((name) => name.slice(object.length))
  t.strictSame(allowed({ unknown: true }), names.filter((name) => !name.includes('.')))
  t.strictSame(allowed({ pages: { unknown: true } }), inside('pages.'))
  t.strictSame(allowed({ cache: { unknown: true } }), inside('cache.'))
  t.strictSame(allowed({ expiry: { unknown: true } }), inside('expiry.'))
  t.strictSame(allowed({ api: { unknown: true } }), inside('api.'))

  for (const [name = '', value = ''] of table.filter(([, value]) => value !== 'none')) {
    const given: unknown = runInNewContext(`(${value})`, { Date })
    const [outer = '', inner] = name.split('.')
    const options = { [outer]: inner === undefined ? given : { [inner]: given } }
    t.strictSame(resolveOptions(options as ApiKeyOptions), resolveOptions({}), name)
  }
})

t.test('the table of events names every event with its payload', async (t) => {
  const table = rows('Events', 'event').map(([name, payload = '']) => [name, payload.match(/\w+/g)?.sort()])
  t.strictSame(new Map(table.map(([name, fields]) => [name, fields])), payloads())
})

t.test('the tables of errors name every error with its status', async (t) => {
  const told = rows('What is stored, and what callers are told', 'code')
  const thrown = rows('Errors', 'code')
  const documented = [...told, ...thrown].map(([code, status]) => `${code} ${status}`)
  const raised = Object.values(errors).filter((value) => 'prototype' in value && value.prototype instanceof Error)
    .map((Raised) => new (Raised as typeof errors.InvalidKeyError)()).map(({ code, statusCode }) => `${code} ${statusCode}`)
  t.strictSame(documented.sort(), raised.sort())
})

t.test('callers are told what the table says', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  const clock = new Clock()
  const groups: Record<string, GroupOptions> = { old: {} }
  const first = await server(t, { database, groups })
  await first.apiKeys.profiles.create('eve', { group: 'old' })
  const { key: grouped } = await first.apiKeys.create('eve')
  const app = bareServer(t)
  app.register(apiKey, { database, now: clock.now, failureLimit: { max: 6, timeWindow: 60_000 }, scopes: { 'buckets:read': 'Read' } })
  app.get('/undeclared', { config: { apiKey: { scopes: ['buckets:write'] } } }, async () => 'never')
  await app.after()
  app.get('/me', async () => 'never')
  app.get('/scopes', { config: { apiKey: { scopes: ['buckets:read'] } } }, async () => 'never')
  app.get('/make', { config: { apiKey: false } }, async () => await app.apiKeys.create('ann'))
  const revoked = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(revoked.id)
  const { key } = await app.apiKeys.create('ann')
  const { key: forbidden } = await app.apiKeys.create('bob')
  await app.apiKeys.profiles.update('bob', { canUseApi: false })
  const [expired, bound, disabled, rotated] = await app.apiKeys.createMany([
    { userId: 'ann', expiresIn: 1 }, { userId: 'ann', allowedIps: ['::1'] }, { userId: 'ann' }, { userId: 'ann' }
  ])
  clock.tick(1)
  await app.apiKeys.update(String(disabled?.id), { enabled: false })
  await app.apiKeys.rotate(String(rotated?.id))
  const { key: spent } = await app.apiKeys.create('ann', { quota: { max: 1 } })
  const { key: fast } = await app.apiKeys.create('ann', { rateLimit: { max: 1, timeWindow: '1h' } })
  for (const key of [spent, fast]) await app.inject({ url: '/me', headers: { 'x-api-authorization': key } })
  database.exec("CREATE TRIGGER forbid BEFORE INSERT ON api_keys BEGIN SELECT RAISE(ABORT, 'no'); END")

  const requests: [code: string, key?: string | undefined, url?: string][] = [
    ['FST_API_KEY_MISSING'], ['FST_API_KEY_INVALID', 'nonsense'], ['FST_API_KEY_REVOKED', revoked.key],
    ['FST_API_KEY_EXPIRED', expired?.key], ['FST_API_KEY_ROTATED', rotated?.key], ['FST_API_KEY_DISABLED', disabled?.key],
    ['FST_API_KEY_UNKNOWN_GROUP', grouped], ['FST_API_KEY_ADDRESS', bound?.key], ['FST_API_KEY_UNDECLARED_SCOPE', key, '/undeclared'],
    ['FST_API_KEY_INSUFFICIENT_SCOPE', key, '/scopes'], ['FST_API_KEY_API_FORBIDDEN', forbidden],
    ['FST_API_KEY_INTERNAL', key, '/make'], ['FST_API_KEY_QUOTA_EXCEEDED', spent],
    ['FST_API_KEY_RATE_LIMIT_EXCEEDED', fast], ['FST_API_KEY_TOO_MANY_FAILURES', 'nonsense'], ['FST_API_KEY_UNAVAILABLE', key]
  ]
  const table = rows('What is stored, and what callers are told', 'code')
  t.strictSame(table.map(([code]) => code).sort(), requests.map(([code]) => code).sort())
  const challenge = table[0]?.[3] ?? ''
  for (const [code, key, url = '/me'] of requests) {
    if (code === 'FST_API_KEY_UNAVAILABLE') database.close()
    if (code === 'FST_API_KEY_TOO_MANY_FAILURES') await app.inject({ url, headers: { 'x-api-authorization': 'the last attempt' } })
    const response = await app.inject({ url, headers: key === undefined ? {} : { 'x-api-authorization': key } })
    const [, status, , cell = ''] = table.find(([listed]) => listed === code) ?? []
    t.equal(response.json().code, code)
    t.equal(String(response.statusCode), status, code)
    t.equal(response.headers['www-authenticate'] ?? '–', cell.replace('the same', challenge).replace('…', challenge), code)
  }
})

t.test('in Authorization the challenge is the one that README.md shows', async (t) => {
  const app = await server(t, { header: 'Authorization' })
  const { key, id } = await app.apiKeys.create('ann')
  const send = async (authorization: string) => (await app.inject({ url: '/me', headers: { authorization } })).headers['www-authenticate']
  t.equal((await app.inject('/me')).headers['www-authenticate'], 'Bearer realm="API"')
  t.equal(await send('Basic YW5uOg=='), 'Bearer realm="API"')
  t.equal(await send('Bearer of-another-kind'), 'Bearer realm="API"')
  t.equal(await send(`Bearer ${key}`), undefined)
  await app.apiKeys.revoke(id)
  t.equal(await send(`Bearer ${key}`), 'Bearer realm="API", error="invalid_token"')
})

/** The names that an error about an unknown one lists. */
function allowed (options: object): string[] {
  try {
    resolveOptions(options)
  } catch (error) {
    const list = /must be one of (.*), got/.exec(String(error))?.[1]
    if (list !== undefined) return list.split(', ')
  }
  throw new Error(`taken: ${inspect(options)}`)
}

/** The events by name, each with the names in its payload, as the package's types have them. */
function payloads (): Map<string, string[]> {
  const file = join(ROOT, 'lib/keys/events.ts')
  const program = ts.createProgram([file], { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext, strict: true, types: ['node'] })
  const checker = program.getTypeChecker()
  const events = program.getSourceFile(file)?.statements
    .find((statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === 'ApiKeyEvents')
  if (events === undefined) throw new Error('there is no interface ApiKeyEvents')
  return new Map(checker.getTypeAtLocation(events).getProperties().map((event) => {
    const payload = checker.getIndexTypeOfType(checker.getTypeOfSymbol(event), ts.IndexKind.Number)
    return [event.name, payload?.getProperties().map(({ name }) => name).sort() ?? []]
  }))
}
