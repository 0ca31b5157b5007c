import { mock } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import apiKey, { type ApiKeyOptions } from '../lib/index.js'
import { ask, INFO, Log, me, server, WARN } from './helpers/app.js'

const ONE = 'a request was refused'
const MORE = 'more requests were refused than are logged one by one'

const refusals = (log: Log, msg = ONE) => log.lines.filter((line) => line['msg'] === msg)

/** A server that logs nothing of its own about requests. */
async function silentServer (t: Test, log: Log, options: ApiKeyOptions = {}): Promise<FastifyInstance> {
  const app = Fastify({ logger: { level: 'trace', stream: log.stream }, disableRequestLogging: true }) as unknown as FastifyInstance
  t.teardown(() => app.close())
  await app.register(apiKey, { database: ':memory:', ...options })
  app.get('/me', me)
  return app
}

t.test('a refusal is logged with its reason, the key where it is known, and the address, never with the secret', async (t) => {
  const log = new Log()
  const app = await server(t, {}, log)
  app.get('/scoped', { config: { apiKey: { scopes: ['write'] } } }, me)
  const { id, key } = await app.apiKeys.create('ann')
  await ask(app)
  await ask(app, `${key}x`)
  await ask(app, key, '/scoped')
  await app.apiKeys.profiles.update('ann', { canUseApi: false })
  await ask(app, key)
  await app.apiKeys.revoke(id)
  await ask(app, key)
  await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_REVOKED', keyId: id })
  await t.rejects(app.apiKeys.verify(key, { ip: '192.0.2.7' }), { code: 'FST_API_KEY_REVOKED', keyId: id })
  const ip = '127.0.0.1'
  t.match(refusals(log), [
    { level: INFO, reason: 'FST_API_KEY_MISSING', keyId: null, ip },
    { level: INFO, reason: 'FST_API_KEY_INVALID', keyId: null, ip },
    { level: INFO, reason: 'FST_API_KEY_INSUFFICIENT_SCOPE', keyId: id, ip },
    { level: INFO, reason: 'FST_API_KEY_API_FORBIDDEN', keyId: id, ip },
    { level: INFO, reason: 'FST_API_KEY_REVOKED', keyId: id, ip },
    { level: INFO, reason: 'FST_API_KEY_REVOKED', keyId: id, ip: null },
    { level: INFO, reason: 'FST_API_KEY_REVOKED', keyId: id, ip: '192.0.2.7' }
  ])
  t.equal(refusals(log).length, 7)
  t.notOk(log.text.includes(key.slice(8)))
})

t.test('the id of the key goes to the log and not to the caller', async (t) => {
  const app = await server(t)
  const { id, key } = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(id)
  const { body } = await ask(app, key)
  t.strictSame(body, { statusCode: 401, code: 'FST_API_KEY_REVOKED', error: 'Unauthorized', message: 'The API key was revoked' })
})

t.test('a flood of bad keys makes ten lines and one more each minute', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const log = new Log()
  const app = await silentServer(t, log)
  const before = log.lines.length
  for (let i = 0; i < 500; i++) await ask(app, `nonsense ${i}`)
  for (let i = 0; i < 3; i++) await ask(app)
  t.equal(log.lines.length, before + 10, 'Fastify itself logs nothing either')
  mock.timers.tick(59_999)
  t.equal(log.lines.length, before + 10)
  mock.timers.tick(1)
  t.match(log.lines.slice(before + 10), [{ level: WARN, msg: MORE, reasons: { FST_API_KEY_INVALID: 490, FST_API_KEY_MISSING: 3 }, interval: 60_000 }])
  for (let i = 0; i < 11; i++) await ask(app, `nonsense ${i}`)
  t.equal(refusals(log).length, 20, 'the next minute begins anew')
  mock.timers.tick(60_000)
  mock.timers.tick(60_000)
  t.match(refusals(log, MORE).at(-1), { reasons: { FST_API_KEY_INVALID: 1 } })
  t.equal(refusals(log, MORE).length, 2, 'a minute with nothing to tell tells nothing')
})

t.test('what was only counted is logged at shutdown', async (t) => {
  const log = new Log()
  const app = await server(t, {}, log)
  for (let i = 0; i < 12; i++) await ask(app)
  t.strictSame(refusals(log, MORE), [])
  await app.close()
  t.match(refusals(log, MORE), [{ reasons: { FST_API_KEY_MISSING: 2 } }])
})

t.test('that the database does not answer is no refusal', async (t) => {
  const log = new Log()
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(':memory:')
  const app = await server(t, { database }, log)
  const { key } = await app.apiKeys.create('ann')
  database.close()
  t.equal((await ask(app, key)).status, 503)
  t.strictSame(refusals(log), [])
})
