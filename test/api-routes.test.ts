import { connect } from 'node:net'
import t from 'tap'
import apiKey from '../lib/index.js'
import { ask, bareServer, Clock, DAY, ERROR, HEADER, HOUR, Log, server, T0 } from './helpers/app.js'
import { buildApi, callApi, manager, type Caller } from './helpers/api.js'
import { onEachEngine } from './helpers/engines.js'
import { userOf } from './helpers/pages.js'

const ANN = { user: 'ann' }
const UNKNOWN = '0190aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa'

onEachEngine('a person and a program make, see, change, rotate and revoke keys', async (t, database) => {
  const clock = new Clock()
  const { app, call } = await buildApi(t, { ...database, now: clock.now })
  const program = await manager(app, 'ann', { scopes: ['a', 'b'] })
  for (const [who, actor] of [[ANN, 'ann'], [{ key: program.key }, `key:${program.id}`]] as const) {
    const made = await call(who, 'POST', '', { name: 'ci', scopes: ['a'], expiresIn: '90d', allowedIps: ['127.0.0.0/8'], nonce: `${actor.slice(0, 10)} 0123456789abcdef` })
    const { id, key, ...record } = made.json()
    t.equal(made.statusCode, 201)
    t.equal(made.headers.location, `/api-keys/${id}`)
    t.match(record, { userId: 'ann', name: 'ci', state: 'active', scopes: ['a'], expiresAt: new Date(T0 + 90 * DAY).toISOString(), allowedIps: ['127.0.0.0/8'], rateLimit: null, quota: null, lastUsedAt: null })
    t.match(await ask(app, key), { status: 200, body: { user: { id: 'ann', keyId: id, scopes: ['a'] } } })
    t.match((await call(who, 'POST', '', { name: 'ci', nonce: `${actor.slice(0, 10)} 0123456789abcdef` })).json(), { statusCode: 409, code: 'FST_API_KEY_NONCE_USED' })

    const shown = await call(who, 'GET', `/${id}`)
    t.equal(shown.statusCode, 200)
    t.match(shown.json(), { id, name: 'ci', lastUsedAt: new Date(T0).toISOString(), loggedIp: '127.0.0.1' })
    t.notMatch(shown.body, key.slice(8))

    const expiresAt = '2023-12-24T18:00:00+01:00'
    const changed = await call(who, 'PATCH', `/${id}`, { name: 'CI', enabled: false, scopes: ['b'], expiresAt, allowedIps: null })
    t.match([changed.statusCode, changed.json()], [200, { id, name: 'CI', state: 'disabled', scopes: ['b'], expiresAt: '2023-12-24T17:00:00.000Z', allowedIps: null }])
    t.equal((await ask(app, key)).body['code'], 'FST_API_KEY_DISABLED')
    t.match((await call(who, 'PATCH', `/${id}`, { enabled: true })).json(), { state: 'active', name: 'CI' })

    const rotated = await call(who, 'POST', `/${id}/rotate`, { overlap: '1h' })
    t.match([rotated.statusCode, rotated.json()], [200, { id, previousUntil: new Date(T0 + HOUR).toISOString() }])
    t.equal((await ask(app, key)).status, 200)
    t.equal((await ask(app, rotated.json().key)).status, 200)
    t.equal((await call(who, 'POST', `/${id}/rotate`)).statusCode, 200, 'without a body the old secret ends at once')
    t.equal((await ask(app, rotated.json().key)).body['code'], 'FST_API_KEY_ROTATED')

    const revoked = await call(who, 'DELETE', `/${id}?reason=no%20longer%20needed`)
    t.match([revoked.statusCode, revoked.json()], [200, { id, state: 'revoked', revokedReason: 'no longer needed', revokedAt: new Date(T0).toISOString() }])
    t.match((await call(who, 'DELETE', `/${id}?reason=again`)).json(), { state: 'revoked', revokedReason: 'no longer needed' })
    t.match((await call(who, 'PATCH', `/${id}`, { enabled: true })).json(), { statusCode: 409, code: 'FST_API_KEY_NOT_LIVE' })

    const { entries, cursor } = (await call(who, 'GET', `/${id}/history?limit=2`)).json()
    t.match(entries, [{ action: 'apiKeyRevoked', actor, ip: '127.0.0.1', at: new Date(T0).toISOString() }, { action: 'apiKeyRotated', actor }])
    const rest = (await call(who, 'GET', `/${id}/history?cursor=${cursor}`)).json()
    t.strictSame(rest.entries.map(({ action }: { action: string }) => action), ['apiKeyRotated', 'apiKeyUpdated', 'apiKeyUpdated', 'apiKeyCreated'])
    t.equal(rest.cursor, null)

    t.strictSame((await call(who, 'GET', `/${id}/usage`)).json(), { days: [{ day: '2023-11-14', accepted: 3, refused: { FST_API_KEY_DISABLED: 1, FST_API_KEY_ROTATED: 1 } }] })
    t.strictSame((await call(who, 'GET', `/${id}/usage?from=2023-11-15&to=2023-11-16`)).json(), { days: [] })
  }
})

onEachEngine('keys are listed page by page, newest first, and found by name and state', async (t, database) => {
  const { app, call } = await buildApi(t, database)
  const made = await app.apiKeys.createMany(['a1', 'a2', 'b1', 'b2', 'b3'].map((name) => ({ userId: 'ann', name })))
  await app.apiKeys.create('bob', { name: 'a3' })
  await app.apiKeys.revoke(String(made[4]?.id))
  const names = async (query: string) => {
    const response = await call(ANN, 'GET', query)
    t.equal(response.statusCode, 200, response.body)
    return response.json().keys.map(({ name }: { name: string }) => name)
  }
  t.strictSame(await names(''), ['b3', 'b2', 'b1', 'a2', 'a1'])
  t.strictSame(await names('?search=2'), ['b2', 'a2'])
  t.strictSame(await names('?live=false'), ['b3'])
  t.strictSame(await names('?live=true&search=B'), ['b2', 'b1'])
  t.strictSame(await names('?cursor=!nothing'), [], 'what is no cursor leads nowhere')
  const pages = []
  let cursor = ''
  for (let page = 0; page < 4 && cursor !== null; page++) {
    const response = await call(ANN, 'GET', `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
    pages.push(response.json().keys.map(({ name }: { name: string }) => name))
    cursor = response.json().cursor
  }
  t.strictSame(pages, [['b3', 'b2'], ['b1', 'a2'], ['a1']])
})

onEachEngine('what is left of the rate limit of a key is told, and looking takes none of it', async (t, database) => {
  const { app, call } = await buildApi(t, { ...database, rateLimit: { max: 5, timeWindow: '1m' } })
  const { id, key } = await app.apiKeys.create('ann')
  const program = await manager(app, 'ann', { rateLimit: false })
  for (const who of [ANN, { key: program.key }]) {
    t.strictSame((await call(who, 'GET', `/${program.id}/rate-limit`)).json(), { rateLimit: null })
    t.strictSame((await call(who, 'GET', `/${id}/rate-limit`)).json(), { rateLimit: { max: 5, timeWindow: 60_000, remaining: 5, resetsAt: null } })
  }
  await app.inject({ url: '/me', headers: { [HEADER]: key } })
  for (const who of [ANN, { key: program.key }]) {
    t.match((await call(who, 'GET', `/${id}/rate-limit`)).json(), { rateLimit: { max: 5, timeWindow: 60_000, remaining: 4, resetsAt: /^\d{4}-\d\d-\d\dT.*Z$/ } })
  }
})

onEachEngine("somebody else's keys are not there", async (t, database) => {
  const { app, call } = await buildApi(t, database)
  const { id } = await app.apiKeys.create('bob', { name: 'his' })
  const program = await manager(app)
  for (const who of [ANN, { key: program.key }]) {
    for (const key of [id, UNKNOWN, 'nothing', '%00', "x' OR 1=1"]) {
      for (const [method, path, body] of [
        ['GET', `/${key}`], ['PATCH', `/${key}`, { name: 'mine' }], ['DELETE', `/${key}`], ['POST', `/${key}/rotate`, {}],
        ['GET', `/${key}/usage`], ['GET', `/${key}/rate-limit`], ['GET', `/${key}/history`]
      ] as const) {
        const response = await call(who, method, path, body)
        t.match(response.json(), { statusCode: 404, code: 'FST_API_KEY_NOT_FOUND', error: 'Not Found' }, `${method} ${path}`)
      }
    }
  }
  t.match(await app.apiKeys.get(id), { name: 'his', state: 'active', rotatedAt: null })
  t.equal((await app.apiKeys.history({ keyId: id })).entries.length, 1)
})

t.test('a request with a key is a program, which needs the scope, and a bad key is never replaced by a session', async (t) => {
  const { app, call } = await buildApi(t)
  const { id, key: plain } = await app.apiKeys.create('ann', { scopes: ['buckets:read'] })
  const withUser = { user: 'ann' }
  const missing = await call(null, 'GET')
  t.match(missing.json(), { statusCode: 401, code: 'FST_API_KEY_MISSING', error: 'Unauthorized' })
  t.equal(missing.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization"')

  const lacking = await call({ key: plain }, 'GET', '', undefined, withUser)
  t.match(lacking.json(), { statusCode: 403, code: 'FST_API_KEY_INSUFFICIENT_SCOPE', message: 'The API key lacks these scopes: api-keys:manage' })
  t.equal(lacking.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization", error="insufficient_scope", scope="api-keys:manage"')
  t.equal((await app.apiKeys.get(id))?.lastUsedAt, null, 'it was no use of the key')

  const { id: managing, key } = await manager(app)
  for (const bad of ['nonsense', '', `${key}x`]) {
    t.match((await call({ key: bad }, 'GET', '', undefined, withUser)).json(), { statusCode: 401, code: 'FST_API_KEY_INVALID' })
  }
  await app.apiKeys.update(managing, { enabled: false })
  t.match((await call({ key }, 'POST', '', {}, withUser)).json(), { statusCode: 401, code: 'FST_API_KEY_DISABLED' })
  t.equal((await app.apiKeys.list('ann')).length, 2)
})

t.test('without getUser the API is for programs alone', async (t) => {
  const app = await server(t, { api: true })
  const { key } = await manager(app)
  t.equal((await callApi(app, { key }, 'GET')).statusCode, 200)
  t.match((await callApi(app, ANN, 'GET')).json(), { statusCode: 401, code: 'FST_API_KEY_MISSING' })
})

t.test('in Authorization, a token of another kind is the session and a key is the program', async (t) => {
  const { app } = await buildApi(t, { header: 'Authorization' })
  const { key } = await manager(app, 'bob')
  const list = async (headers: Record<string, string>) => await app.inject({ url: '/api-keys', headers })
  await app.apiKeys.create('ann', { name: 'hers' })
  t.equal((await list({ authorization: 'Bearer some.jwt.token', user: 'ann' })).json().keys[0].name, 'hers')
  t.equal((await list({ authorization: `Bearer ${key}`, user: 'ann' })).json().keys[0].userId, 'bob')
  const nobody = await list({ authorization: 'Bearer some.jwt.token' })
  t.equal(nobody.headers['www-authenticate'], 'Bearer realm="API"')
})

t.test("the keys are the owner's whom the session names, and a change is the person's", async (t) => {
  const { app, call } = await buildApi(t, { getUser: (request) => ({ ...userOf(request), id: 'ann', owner: 'acme' }) })
  const { id, userId } = (await call(ANN, 'POST', '', { name: 'x' })).json()
  t.equal(userId, 'acme')
  t.match((await app.apiKeys.history({ keyId: id })).entries, [{ actor: 'ann' }])
  const { id: own } = await app.apiKeys.create('ann')
  t.equal((await call(ANN, 'GET', `/${own}`)).statusCode, 404)
  t.match((await call(ANN, 'POST', '', { userId: 'eve' })).json(), { code: 'FST_API_KEY_INVALID_ARGUMENT', message: /^userId must be one of name, scopes/ })
})

/** An error that fails itself when it is asked for its status. */
class Untold extends Error {
  get statusCode (): number {
    throw new Error(this.message)
  }
}

t.test('of what getUser throws callers learn nothing but the status that it named, and the log has the cause', async (t) => {
  const secret = 'at /srv/app/sessions.js'
  for (const [thrown, status] of [
    [new Error(secret), 500], [secret, 500], [Object.assign(new Error(secret), { statusCode: 503, code: 'APP' }), 503],
    [Object.assign(new Error(secret), { statusCode: 401 }), 401], [Object.assign(new Error(secret), { statusCode: 302 }), 500],
    [Object.assign(new Error(secret), { statusCode: 404.5 }), 500], [Object.assign(new Error(secret), { statusCode: Symbol('404') }), 500],
    [new Untold(secret), 500]
  ] as const) {
    const log = new Log()
    const app = await server(t, { api: true, getUser: async () => { throw thrown } }, log)
    const response = await callApi(app, ANN, 'POST', '', { name: 'k' })
    t.match(response.json(), { statusCode: status, code: 'FST_API_KEY_CALLBACK_FAILED', message: 'It cannot be found out who is asking' })
    t.notMatch(response.body, secret)
    t.match(log.text, secret)
    t.equal(log.lines.filter(({ level }) => level === ERROR).length, status === 401 ? 0 : 1)
  }
})

t.test('a person gets a profile as autoProfile says', async (t) => {
  const { app, call } = await buildApi(t, { autoProfile: (user) => user.id.startsWith('staff-') })
  t.match((await call(ANN, 'GET')).json(), { statusCode: 403, code: 'FST_API_KEY_NO_PROFILE' })
  t.equal((await call({ user: 'staff-eve' }, 'GET')).statusCode, 200)
  t.match(await app.apiKeys.profiles.get('staff-eve'), { userId: 'staff-eve' })
  await app.apiKeys.profiles.create('ann', { canMakeKeys: false })
  t.match((await call(ANN, 'POST', '', {})).json(), { statusCode: 403, code: 'FST_API_KEY_MAKING_FORBIDDEN' })
})

t.test('writes of a session from another site are refused before anybody is asked, those with a key are not', async (t) => {
  let asked = 0
  const { app, call } = await buildApi(t, { getUser: (request) => { asked++; return userOf(request) } })
  const { id, key } = await manager(app)
  const foreign = [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }, { origin: 'null' }]
  for (const headers of foreign) {
    for (const [method, path, body] of [['POST', '', {}], ['PATCH', `/${id}`, { name: 'x' }], ['DELETE', `/${id}`], ['POST', `/${id}/rotate`]] as const) {
      t.match((await call(ANN, method, path, body, headers)).json(), { statusCode: 403, code: 'FST_API_KEY_FOREIGN_ORIGIN' })
    }
  }
  t.equal(asked, 0)
  t.match(await app.apiKeys.list('ann'), [{ id, name: '', rotatedAt: null, state: 'active' }])
  for (const headers of foreign) t.equal((await call(ANN, 'GET', '', undefined, headers)).statusCode, 200)
  t.equal((await call(ANN, 'POST', '', {}, { 'sec-fetch-site': 'same-origin' })).statusCode, 201)
  t.equal((await call({ key }, 'POST', '', {}, { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' })).statusCode, 201)
})

t.test('no answer may be kept or taken for another type, whatever it is', async (t) => {
  const { app, call } = await buildApi(t)
  const { id, key } = await manager(app)
  const callers: Caller[] = [null, ANN, { key }, { key: 'nonsense' }]
  const statuses = new Set<number>()
  for (const who of callers) {
    for (const [method, path, body] of [['GET', ''], ['POST', '', {}], ['POST', '', { x: 1 }], ['POST', '', '{'], ['GET', `/${id}`], ['GET', `/${UNKNOWN}`], ['GET', '/self'], ['PATCH', `/${id}`, { name: 'x' }]] as const) {
      const response = await call(who, method, path, body)
      statuses.add(response.statusCode)
      t.match(response.headers, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }, `${method} ${path} ${response.statusCode}`)
    }
  }
  t.strictSame([...statuses].sort(), [200, 201, 400, 401, 404])
})

t.test('HEAD is as GET, and what a key may not hold back is told to nobody unknown', async (t) => {
  const { app, call } = await buildApi(t)
  const { id } = await app.apiKeys.create('ann')
  const head = await call(ANN, 'HEAD', `/${id}`)
  t.match([head.statusCode, head.body], [200, ''])
  t.equal((await call(null, 'HEAD', `/${id}`)).statusCode, 401)
  t.match((await call(null, 'POST', '', { unknown: 1 })).json(), { statusCode: 401 }, 'who asks is found out before what is wrong')
})

t.test('metadata of the application are neither shown nor taken', async (t) => {
  const { app, call } = await buildApi(t)
  const { id, key } = await manager(app, 'ann', { metadata: { plan: 'gold' } })
  await app.apiKeys.update(id, { metadata: { plan: 'silver' }, name: 'x' })
  for (const path of ['', `/${id}`, `/${id}/history`, '/self']) {
    const { statusCode, body } = await call({ key }, 'GET', path)
    t.equal(statusCode, 200)
    t.notMatch(body, /gold|silver|metadata|profileId/)
  }
  t.match((await call(ANN, 'PATCH', `/${id}`, { metadata: { plan: 'gold' } })).json(), { code: 'FST_API_KEY_INVALID_ARGUMENT' })
  const { id: plain } = await app.apiKeys.create('ann')
  t.match((await call({ key }, 'GET', `/${plain}/history`)).json().entries, [{ action: 'apiKeyCreated', actor: null, changes: null }])
  t.match((await app.apiKeys.get(id))?.metadata, { plan: 'silver' })
})

t.test('below a prefix with parameters all is where the application put it', async (t) => {
  const app = bareServer(t)
  await app.register(async (team) => {
    await team.register(apiKey, { database: ':memory:', api: { prefix: '/keys' }, pages: false, getUser: userOf })
  }, { prefix: '/:team' })
  const made = await app.inject({ method: 'POST', url: '/red/keys/', headers: { user: 'ann' }, payload: {} })
  t.equal(made.statusCode, 201)
  const { location } = made.headers
  t.equal(location, `/red/keys/${made.json().id}`)
  t.equal((await app.inject({ url: String(location), headers: { user: 'ann' } })).json().id, made.json().id)
})

t.test('a key whose login an application ended on the way is not replaced by a session', async (t) => {
  const { app, call } = await buildApi(t)
  app.addHook('preHandler', async (request) => { await request.apiLogout() })
  const { key } = await manager(app)
  t.match((await call({ key }, 'GET', '', undefined, { user: 'ann' })).json(), { statusCode: 401, code: 'FST_API_KEY_MISSING' })
  t.equal((await app.inject({ url: '/api-keys', headers: { [HEADER]: key } })).statusCode, 401)
})

onEachEngine("a nonce is the owner's, whoever else chose the same", async (t, database) => {
  const { app, call } = await buildApi(t, database)
  const body = { nonce: 'terraform-production' }
  t.equal((await call({ user: 'bob' }, 'POST', '', body)).statusCode, 201)
  t.equal((await call({ user: 'ann' }, 'POST', '', body)).statusCode, 201)
  t.equal((await call(await manager(app), 'POST', '', body)).json().code, 'FST_API_KEY_NONCE_USED', 'of a program it is that of its owner')
})

t.test('where others were that changed a key is not told', async (t) => {
  const { app, call } = await buildApi(t, { getUser: ({ headers: { user } }) => user === undefined ? null : { id: String(user), owner: 'org' } })
  const program = await app.apiKeys.create('org', { scopes: ['api-keys:manage'] }, { actor: 'root', ip: '203.0.113.9' })
  await app.apiKeys.update(program.id, { name: 'a' }, { actor: 'org', ip: '192.0.2.1' })
  await app.apiKeys.update(program.id, { name: 'b' }, { ip: '192.0.2.2' })
  await call({ user: 'ann' }, 'PATCH', `/${program.id}`, { name: 'c' })
  await call(program, 'PATCH', `/${program.id}`, { name: 'd' })
  const seenBy = async (caller: Caller) => {
    const { entries } = (await call(caller, 'GET', `/${program.id}/history`)).json() as { entries: { actor: string | null, ip: string | null }[] }
    return entries.map(({ actor, ip }) => [actor, ip])
  }
  const key = `key:${program.id}`
  t.strictSame(await seenBy({ user: 'ann' }), [[key, null], ['ann', '127.0.0.1'], [null, null], ['org', '192.0.2.1'], ['root', null]])
  t.strictSame(await seenBy({ user: 'eve' }), [[key, null], ['ann', null], [null, null], ['org', '192.0.2.1'], ['root', null]])
  t.strictSame(await seenBy(program), [[key, '127.0.0.1'], ['ann', null], [null, null], ['org', '192.0.2.1'], ['root', null]])
})

t.test('the address of a new key is right whatever form the target of the request has', async (t) => {
  const { app } = await buildApi(t)
  const url = await app.listen({ port: 0 })
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk) => { text += String(chunk) }).on('end', () => resolve(text)).on('error', reject)
    socket.write('POST http://shop.example/api-keys HTTP/1.1\r\nHost: shop.example\r\nuser: ann\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}')
  })
  t.match(answer, /^HTTP\/1.1 201 /)
  t.match(answer, /\r\nlocation: \/api-keys\/[0-9a-f-]{36}\r\n/i)
})
