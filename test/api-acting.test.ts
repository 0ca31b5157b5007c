import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import t, { type Test } from 'tap'
import type { ApiKeyOptions } from '../lib/index.js'
import { buildApi, manager, type Api } from './helpers/api.js'
import { HEADER, Log, server } from './helpers/app.js'
import { onEachEngine, onEachShared } from './helpers/engines.js'
import { freshSchema } from './helpers/postgres.js'

/*
 * A program's key was good when its request came. What it asks for is done by what it is when that is stored: a body may take its time,
 * and locks are waited for.
 */

/** Waits until so many statements about a schema wait for a lock. */
async function untilWaiting (client: Client, schema: string, count: number): Promise<void> {
  const waiting = async () => (await client.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND position($1 IN query) > 0", [schema])).rowCount
  for (const end = performance.now() + 4000; performance.now() < end && await waiting() !== count;) await sleep(10)
}

/** An API with a program, and another key of the same owner; what `meanwhile` does happens after the request was let in. */
async function withProgram (t: Test, database: ApiKeyOptions, meanwhile: (app: Api['app'], acting: string) => Promise<unknown> = async () => {}) {
  const { app, call } = await buildApi(t, { scopes: { a: 'A' }, ...database })
  const acting = await manager(app, 'ann', { scopes: ['a'] })
  const other = await app.apiKeys.create('ann', { scopes: ['a'] })
  app.addHook('preHandler', async () => { await meanwhile(app, acting.id) })
  return { app, acting, other, call }
}

const ENDS: [what: string, meanwhile: (app: Api['app'], id: string) => Promise<unknown>, status: number, code: string, challenge: RegExp][] = [
  ['is revoked', (app, id) => app.apiKeys.revoke(id), 401, 'FST_API_KEY_REVOKED', /^ApiKey realm/],
  ['is revoked with all others', (app) => app.apiKeys.revokeAll('ann'), 401, 'FST_API_KEY_REVOKED', /^ApiKey realm/],
  ['loses its profile', (app) => app.apiKeys.profiles.delete('ann'), 401, 'FST_API_KEY_REVOKED', /^ApiKey realm/],
  ['is disabled', (app, id) => app.apiKeys.update(id, { enabled: false }), 401, 'FST_API_KEY_DISABLED', /^ApiKey realm/],
  ['gets another secret', (app, id) => app.apiKeys.rotate(id), 401, 'FST_API_KEY_ROTATED', /^ApiKey realm/],
  ['gets two other secrets', async (app, id) => { for (let i = 0; i < 2; i++) await app.apiKeys.rotate(id) }, 401, 'FST_API_KEY_INVALID', /^ApiKey realm/],
  ['may not use the API any more', (app) => app.apiKeys.profiles.update('ann', { canUseApi: false }), 403, 'FST_API_KEY_API_FORBIDDEN', /^$/],
  ['may not manage keys any more', (app, id) => app.apiKeys.update(id, { scopes: ['a'] }), 403, 'FST_API_KEY_INSUFFICIENT_SCOPE', /^ApiKey realm/],
  ['is bound to another address', (app, id) => app.apiKeys.update(id, { allowedIps: ['192.0.2.1'] }), 403, 'FST_API_KEY_ADDRESS', /^$/],
  ['may not by its profile', (app) => app.apiKeys.profiles.update('ann', { scopes: ['a'] }), 403, 'FST_API_KEY_INSUFFICIENT_SCOPE', /^ApiKey realm/]
]

for (const [what, meanwhile, statusCode, code, challenge] of ENDS) {
  onEachEngine(`a key that ${what} after its request came makes and changes no key by it`, async (t, database) => {
    for (const [method, path, body] of [['POST', '', {}], ['PATCH', 'other', { name: 'x' }], ['POST', 'other/rotate', {}], ['DELETE', 'other']] as const) {
      const { app, acting, other, call } = await withProgram(t, { ...database, ...(database.database === ':memory:' ? {} : { schema: (await freshSchema(t)).schema }) }, meanwhile)
      const response = await call({ key: acting.key }, method, path === '' ? '' : `/${path.replace('other', other.id)}`, body)
      t.match(response.json(), { statusCode, code }, `${method} ${path}`)
      t.match(response.headers['www-authenticate'] ?? '', challenge)
      const keys = [...await app.apiKeys.list('ann'), await app.apiKeys.get(acting.id), await app.apiKeys.get(other.id)]
      t.strictSame([...new Set(keys.map((key) => key?.id))].sort(), [acting.id, other.id].sort(), 'none was made')
      t.match(await app.apiKeys.get(other.id), { name: '', rotatedAt: null })
      t.match((await app.apiKeys.history({ keyId: other.id })).entries.filter(({ actor }) => actor !== null), [])
    }
  })
}

t.test('a key refuses what is asked for with a secret that its rotation has left good for a while, once that is over', async (t) => {
  let now = Date.now()
  const { app, acting, call } = await withProgram(t, { database: ':memory:', now: () => now }, async (app, id) => {
    const { rotatedAt } = await app.apiKeys.get(id) ?? {}
    if (rotatedAt === null) await app.apiKeys.rotate(id, { overlap: '1h' })
    else now += 3_600_001
  })
  const made = await call({ key: acting.key }, 'POST', '', {})
  t.equal(made.statusCode, 201)
  t.equal(made.json().expiresAt, new Date(now + 3_600_000).toISOString(), 'what it makes ends with it')
  t.match((await call({ key: acting.key }, 'POST', '', {})).json(), { statusCode: 401, code: 'FST_API_KEY_ROTATED' })
  t.equal((await app.apiKeys.list('ann')).length, 3)
})

onEachShared('when all keys of a user are revoked, none is left that one of them was just making, on whichever node', async (t, options) => {
  const nodes = [await buildApi(t, options), await buildApi(t, options), await buildApi(t, options)]
  const [{ app }] = nodes as [Api]
  for (const kill of ['revokeAll', 'delete', 'one by one'] as const) {
    const { id, key } = await manager(app)
    const state = { isOver: false }
    const flood = Promise.all(nodes.flatMap(({ call }) => Array.from({ length: 5 }, async () => {
      while (!state.isOver) if ((await call({ key }, 'POST', '', { scopes: ['api-keys:manage'] })).statusCode === 401) return
    })))
    await sleep(50)
    if (kill === 'revokeAll') await app.apiKeys.revokeAll('ann')
    else if (kill === 'delete') await app.apiKeys.profiles.delete('ann')
    else await app.apiKeys.revoke(id)
    const live = async () => (await app.apiKeys.list('ann')).filter(({ state }) => state === 'active')
    const made = await live()
    state.isOver = true
    await flood
    t.strictSame(await live(), made, `${kill}: nothing is made any more`)
    if (kill === 'one by one') await app.apiKeys.revokeAll('ann')
    else t.strictSame(made, [])
  }
})

t.test('a program asks from nowhere that is known too, unless its key is bound to addresses', async (t) => {
  const app = await server(t, { api: true }, new Log(), true)
  // What a proxy passed on that is no address.
  const ask = async (key: string) => (await app.inject({ method: 'POST', url: '/api-keys', headers: { [HEADER]: key, 'x-forwarded-for': 'x'.repeat(200) }, payload: {} })).statusCode
  const { id, key } = await manager(app)
  t.equal(await ask(key), 201)
  await app.apiKeys.update(id, { allowedIps: ['0.0.0.0/0', '::/0'] })
  t.equal(await ask(key), 403)
})

t.test('PostgreSQL: of two forms that are sent at once with one nonce, one makes a key, also when both were found to be the first', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const { app } = await buildApi(t, { database: url, schema })
  await app.apiKeys.profiles.create('ann')
  await client.query('BEGIN')
  await client.query(`SELECT FROM ${schema}.api_key_profiles FOR UPDATE`)
  const made = Promise.allSettled([1, 2].map(() => app.apiKeys.create('ann', { nonce: 'n'.repeat(16) })))
  await untilWaiting(client, schema, 2)
  await client.query('COMMIT')
  t.match((await made).map((result) => result.status === 'fulfilled' ? 'made' : result.reason.code).sort(), ['FST_API_KEY_NONCE_USED', 'made'])
  t.equal((await app.apiKeys.list('ann')).length, 1)
})

t.test('what is refused late has the challenge of what is refused early', async (t) => {
  const { app, call } = await buildApi(t, { header: ['X-Key', 'Authorization'] })
  const meanwhile = { end: async (_id: string): Promise<unknown> => null }
  app.addHook('preHandler', async ({ apiUser }) => { await meanwhile.end(String(apiUser?.keyId)) })
  for (const [end, challenge] of [
    [(id: string) => app.apiKeys.revoke(id), 'Bearer realm="API", error="invalid_token"'],
    [(id: string) => app.apiKeys.update(id, { scopes: [] }), 'Bearer realm="API", error="insufficient_scope", scope="api-keys:manage"']
  ] as const) {
    const { key } = await manager(app)
    const headers = { authorization: `Bearer ${key}` }
    meanwhile.end = end
    const late = await call(null, 'POST', '', {}, headers)
    const early = await call(null, 'POST', '', {}, headers)
    t.ok(String(late.headers['www-authenticate']).includes(challenge), String(late.headers['www-authenticate']))
    t.equal(late.headers['www-authenticate'], early.headers['www-authenticate'])
    t.equal(late.json().code, early.json().code)
  }
})

t.test('PostgreSQL: however many changes of other keys there are, all keys are revoked at once', async (t) => {
  const { url, schema } = await freshSchema(t)
  const [node, idle] = [await buildApi(t, { database: url, schema }), await buildApi(t, { database: url, schema })]
  const keys = await idle.app.apiKeys.createMany(Array.from({ length: 20 }, () => ({ userId: 'ann' })))
  const state = { isOver: false }
  const stream = Promise.all(keys.map(async ({ id }, i) => {
    while (!state.isOver) await node.call({ user: 'ann' }, 'PATCH', `/${id}`, { name: `${i} ${Math.random()}` })
  }))
  await sleep(200)
  for (const act of [
    () => idle.app.apiKeys.profiles.update('ann', { maxKeys: 100 }), () => idle.app.apiKeys.create('ann'), () => idle.app.apiKeys.revokeAll('ann'),
    () => idle.app.apiKeys.profiles.delete('ann')
  ]) {
    const begun = performance.now()
    await act()
    t.ok(performance.now() - begun < 2000, `${Math.round(performance.now() - begun)} ms`)
  }
  state.isOver = true
  await stream
})

t.test('PostgreSQL: a key is revoked, by anybody or by itself, while others hold its profile', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const { app, acting, other, call } = await withProgram(t, { database: url, schema })
  await client.query('BEGIN')
  await client.query(`SELECT FROM ${schema}.api_key_profiles FOR UPDATE`)
  await app.apiKeys.revoke(other.id)
  t.equal((await call({ key: acting.key }, 'DELETE', '/self')).statusCode, 204)
  await client.query('ROLLBACK')
  for (const { id } of [acting, other]) t.match(await app.apiKeys.get(id), { state: 'revoked' })
})

t.test('PostgreSQL: what waits for a lock is not done by a key that is revoked while it waits', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const { app, acting, other, call } = await withProgram(t, { database: url, schema })
  await client.query('BEGIN')
  await client.query(`SELECT FROM ${schema}.api_keys WHERE id = $1 FOR UPDATE`, [other.id])
  const rotated = call({ key: acting.key }, 'POST', `/${other.id}/rotate`, {})
  await untilWaiting(client, schema, 1)
  await app.apiKeys.revoke(acting.id)
  await client.query('COMMIT')
  t.match((await rotated).json(), { statusCode: 401, code: 'FST_API_KEY_REVOKED' })
  t.match(await app.apiKeys.get(other.id), { rotatedAt: null })
})

t.test('PostgreSQL: revoking all keys of a user waits for one that is being inserted, and revokes it too', async (t) => {
  const { url, schema, client } = await freshSchema(t)
  const { app, other } = await withProgram(t, { database: url, schema })
  await client.query('BEGIN')
  await client.query(`SELECT FROM ${schema}.api_key_profiles FOR NO KEY UPDATE`)
  await client.query(`INSERT INTO ${schema}.api_keys (id, profile_id, name, start, digest, created_at, scopes) SELECT 'late', profile_id, '', '', sha256('late'), 1, '[]' FROM ${schema}.api_keys WHERE id = $1`, [other.id])
  const revoked = app.apiKeys.revokeAll('ann')
  await untilWaiting(client, schema, 1)
  await client.query('COMMIT')
  t.equal((await revoked).length, 3)
  t.match(await app.apiKeys.get('late'), { state: 'revoked' })
})

t.test('PostgreSQL: making keys and changing the one that makes them, at once and on several nodes, wait for each other and do not fail', async (t) => {
  const { url, schema } = await freshSchema(t)
  const nodes = [await buildApi(t, { database: url, schema }), await buildApi(t, { database: url, schema })]
  const [{ app }] = nodes as [Api]
  const one = await manager(app)
  const two = await manager(app)
  const pairs = [[one, two], [two, one], [one, one]] as const
  const acts = nodes.flatMap(({ call }) => pairs.flatMap(([acting, other]) => [
    () => call({ key: acting.key }, 'POST', '', {}),
    () => call({ key: acting.key }, 'PATCH', `/${other.id}`, { name: String(Math.random()) })
  ]))
  const begun = performance.now()
  const answers = await Promise.all(Array.from({ length: 10 }, () => acts).flat().map((act) => act()))
  t.strictSame([...new Set(answers.map(({ statusCode }) => statusCode))].sort(), [200, 201])
  t.comment(`${Math.round(performance.now() - begun)} ms for ${answers.length}`)
})
