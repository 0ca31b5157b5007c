import { join } from 'node:path'
import t from 'tap'
import { ask, Clock, HEADER, Log, server, T0 } from './helpers/app.js'
import { bytesOf, connection, spyingDatabase } from './helpers/sqlite.js'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const UNKNOWN = '0198abcd-0000-7000-8000-000000000001'

t.test('create resolves to the record and the secret, and the key works at once', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const { key, ...record } = await app.apiKeys.create('ann', { name: 'laptop' })
  t.match(key, /^ak_[0-9A-Za-z]{38}$/)
  t.match(record.id, UUID_V7)
  t.equal(record.start, key.slice(0, 7))
  t.strictSame(record, {
    id: record.id,
    userId: 'ann',
    profileId: 1,
    name: 'laptop',
    start: key.slice(0, 7),
    state: 'active',
    createdAt: new Date(T0),
    lastUsedAt: null,
    loggedIp: null,
    scopes: [],
    enabled: true,
    expiresAt: null,
    rotatedAt: null,
    previousUntil: null,
    previousUsedAt: null,
    allowedIps: null,
    rateLimit: null,
    quota: null,
    metadata: null,
    revokedAt: null,
    revokedReason: null
  })
  t.strictSame(await app.apiKeys.get(record.id), record)
  t.strictSame(await app.apiKeys.list('ann'), [record])
  t.match(await ask(app, key), { status: 200, body: { user: { id: 'ann', keyId: record.id, keyName: 'laptop' } } })
})

t.test('a name may be empty, absent, or 100 characters of any script', async (t) => {
  const { apiKeys } = await server(t)
  t.equal((await apiKeys.create('ann')).name, '')
  t.equal((await apiKeys.create('ann', { name: '' })).name, '')
  for (const name of ['x'.repeat(100), 'clé de Zoë 🔑', '<b>&amp;"\'']) t.equal((await apiKeys.create('ann', { name })).name, name)
})

t.test('createMany makes all keys in the order of the batch', async (t) => {
  const app = await server(t)
  const batch = Array.from({ length: 50 }, (_, i) => ({ userId: `user ${i % 3}`, name: `key ${i}` }))
  const made = await app.apiKeys.createMany(batch)
  t.match(made, batch)
  t.equal(new Set(made.map(({ key }) => key)).size, 50)
  t.strictSame(made.map(({ id }) => id), made.map(({ id }) => id).toSorted(), 'ids are in the order of making')
  for (const i of [0, 49]) t.match(await ask(app, made[i]?.key), { status: 200, body: { user: { keyName: `key ${i}` } } })
  t.strictSame(await app.apiKeys.createMany([]), [])
})

t.test('createMany makes no key when one is refused, for each of the reasons of create', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 2, autoProfile: ({ id }) => id !== 'stranger' })
  await apiKeys.profiles.create('mute', { canMakeKeys: false })
  const made: string[] = []
  apiKeys.on('apiKeyCreated', ({ key }) => made.push(key.userId))
  apiKeys.on('apiUserCreated', ({ profile }) => made.push(profile.userId))
  const refused: [string[], string, RegExp][] = [
    [['ann', 'bob', 'ann', 'ann'], 'FST_API_KEY_LIMIT_REACHED', /"ann" may hold 2 live API keys/],
    [['ann', 'mute'], 'FST_API_KEY_MAKING_FORBIDDEN', /"mute"/],
    [['ann', 'stranger'], 'FST_API_KEY_NO_PROFILE', /"stranger"/]
  ]
  for (const [userIds, code, message] of refused) {
    await t.rejects(apiKeys.createMany(userIds.map((userId) => ({ userId }))), { code, message })
    t.strictSame(await apiKeys.list('ann'), [])
    t.equal(await apiKeys.profiles.get('ann'), null)
  }
  t.strictSame(made, [], 'and no event was emitted')
})

t.test('list gives the newest first, also of those made within one millisecond, and revoked ones', async (t) => {
  const clock = new Clock()
  const { apiKeys } = await server(t, { now: clock.now })
  const names = Array.from({ length: 20 }, (_, i) => String(i))
  for (const name of names) {
    if (name === '10') clock.tick(5)
    const { id } = await apiKeys.create('ann', { name })
    if (name === '3') await apiKeys.revoke(id)
  }
  t.strictSame((await apiKeys.list('ann')).map(({ name }) => name), names.toReversed())
  t.strictSame(await apiKeys.list('nobody'), [])
})

t.test('update renames a key, and requests see the new name at once', async (t) => {
  const app = await server(t)
  const { id, key } = await app.apiKeys.create('ann', { name: 'old' })
  await ask(app, key)
  t.match(await app.apiKeys.update(id, { name: 'new' }), { id, name: 'new', state: 'active' })
  t.match(await ask(app, key), { body: { user: { keyName: 'new' } } })
  t.match(await app.apiKeys.update(id, {}), { name: 'new' })
  t.match(await app.apiKeys.update(id, { name: '' }), { name: '' })
})

t.test('revoke is for good: the next request is told, the record stays, and again changes nothing', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const { id, key } = await app.apiKeys.create('ann')
  await ask(app, key)
  clock.tick(10)
  t.match(await app.apiKeys.revoke(id), { id, state: 'revoked', revokedAt: new Date(T0 + 10) })
  t.match(await ask(app, key), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } })
  clock.tick(10)
  t.match(await app.apiKeys.revoke(id), { revokedAt: new Date(T0 + 10) })
  t.match(await app.apiKeys.get(id), { state: 'revoked', revokedAt: new Date(T0 + 10) })
})

t.test('an id that no key has is null for get, and an error with its own code for the rest', async (t) => {
  const { apiKeys } = await server(t)
  for (const id of [UNKNOWN, '', 'x', '\0', '../../etc/passwd', '💥']) {
    t.equal(await apiKeys.get(id), null)
    for (const call of [() => apiKeys.update(id, { name: 'x' }), () => apiKeys.update(id, {}), () => apiKeys.revoke(id), () => apiKeys.logout(id)]) {
      await t.rejects(call(), { code: 'FST_API_KEY_NOT_FOUND', statusCode: 404 })
    }
  }
  await t.rejects(apiKeys.revoke(UNKNOWN), { message: `No API key has the id "${UNKNOWN}"` })
})

t.test('logout ends the login: the address goes, the key keeps working, and the next use begins a new login', async (t) => {
  const app = await server(t)
  const { id, key } = await app.apiKeys.create('ann')
  const isNew: boolean[] = []
  app.apiKeys.on('apiUserLoggedIn', (event) => isNew.push(event.isNew))
  await ask(app, key)
  await ask(app, key)
  t.match(await app.apiKeys.get(id), { loggedIp: '127.0.0.1' })
  t.match(await app.apiKeys.logout(id), { loggedIp: null, state: 'active' })
  t.match(await app.apiKeys.get(id), { loggedIp: null })
  t.equal((await ask(app, key)).status, 200)
  t.match(await app.apiKeys.get(id), { loggedIp: '127.0.0.1' })
  t.strictSame(isNew, [true, false, true])
})

t.test('a login without an address is one too: it begins once, and ends', async (t) => {
  const { apiKeys } = await server(t)
  const { id, key } = await apiKeys.create('ann')
  const isNew: boolean[] = []
  let ended = 0
  apiKeys.on('apiUserLoggedIn', (event) => isNew.push(event.isNew))
  apiKeys.on('apiUserLoggedOut', () => ended++)
  await apiKeys.verify(key)
  await apiKeys.verify(key)
  t.match(await apiKeys.get(id), { loggedIp: null })
  await apiKeys.logout(id)
  await apiKeys.verify(key)
  await apiKeys.verify(key, { ip: '192.0.2.1' })
  await apiKeys.verify(key)
  t.match(await apiKeys.get(id), { loggedIp: '192.0.2.1' })
  t.strictSame(isNew, [true, false, true, true, false])
  t.equal(ended, 1)
})

t.test('verify is what the hook does: the same user, the same refusals, and it counts as a use', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const { id, key } = await app.apiKeys.create('ann')
  clock.tick(7)
  const user = await app.apiKeys.verify(key, { ip: '10.0.0.9' })
  t.strictSame(user, { id: 'ann', profileId: 1, keyId: id, keyName: '', scopes: [] })
  t.match(await app.apiKeys.get(id), { lastUsedAt: new Date(T0 + 7), loggedIp: '10.0.0.9' })
  await app.apiKeys.verify(key)
  t.match(await app.apiKeys.get(id), { loggedIp: '10.0.0.9' }, 'without an address the one before stays')
  for (const secret of ['', 'x', `${key}x`, `xx_${'0'.repeat(38)}`, 'x'.repeat(100_000)]) {
    await t.rejects(app.apiKeys.verify(secret), { code: 'FST_API_KEY_INVALID', statusCode: 401 })
  }
  await app.apiKeys.profiles.update('ann', { canUseApi: false })
  await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_API_FORBIDDEN', statusCode: 403 })
  await app.apiKeys.revoke(id)
  await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_REVOKED', statusCode: 401 })
})

t.test('identify finds a key in whatever state, and leaves no trace', async (t) => {
  const clock = new Clock()
  const { database, statements } = spyingDatabase(t)
  const app = await server(t, { database, now: clock.now })
  const { id, key } = await app.apiKeys.create('ann', { name: 'laptop' })
  const events: string[] = []
  for (const event of ['apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked', 'apiUserCreated'] as const) app.apiKeys.on(event, () => events.push(event))
  clock.tick(5)
  statements.length = 0
  t.match(await app.apiKeys.identify(key), { id, userId: 'ann', name: 'laptop', state: 'active', lastUsedAt: null, loggedIp: null })
  for (const secret of ['', 'nonsense', key.slice(0, -1), key.toUpperCase()]) t.equal(await app.apiKeys.identify(secret), null)
  await app.apiKeys.flush()
  t.ok(statements.every((statement) => /^select /i.test(statement)), statements.join('\n'))
  t.match(await app.apiKeys.get(id), { lastUsedAt: null, loggedIp: null })
  t.match(await app.apiKeys.profiles.get('ann'), { lastAccessAt: null })
  await app.apiKeys.profiles.update('ann', { canUseApi: false })
  t.match(await app.apiKeys.identify(key), { state: 'active' })
  t.strictSame(events, [])
  await app.apiKeys.revoke(id)
  t.match(await app.apiKeys.identify(key), { state: 'revoked', revokedAt: new Date(T0 + 5) })
})

t.test('a nonce makes one key of a user, and has nothing to do with that of another', async (t) => {
  const app = await server(t)
  const nonce = 'form-0123456789abcdef'
  const { key } = await app.apiKeys.create('ann', { nonce })
  await t.rejects(app.apiKeys.create('ann', { nonce }), { code: 'FST_API_KEY_NONCE_USED', statusCode: 409 })
  t.ok(await app.apiKeys.create('bob', { nonce }))
  t.equal((await app.apiKeys.list('ann')).length, 1)
  t.equal((await app.apiKeys.list('bob')).length, 1)
  t.equal((await ask(app, key)).status, 200)
  t.ok(await app.apiKeys.create('ann', { nonce: nonce.toUpperCase() }))
})

t.test('two servers on one file see the keys of each other', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const one = await server(t, { database })
  const two = await server(t, { database })
  const { id, key } = await one.apiKeys.create('ann')
  t.equal((await ask(two, key)).status, 200)
  await two.apiKeys.revoke(id)
  await new Promise(setImmediate)
  t.equal((await ask(one, key)).status, 401)
})

t.test('the secret is nowhere but in what create resolved to', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const log = new Log()
  const app = await server(t, { database, header: ['X-Api-Authorization', 'Authorization'] }, log)
  const seen: unknown[] = []
  for (const event of ['apiUserCreated', 'apiKeyCreated', 'apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked'] as const) {
    app.apiKeys.on(event, (payload: unknown) => seen.push(payload))
  }
  app.get('/boom', async () => { throw new Error('boom') })
  const { id, key } = await app.apiKeys.create('ann', { name: 'laptop', nonce: 'n'.repeat(16) })
  const [{ key: other } = { key: '' }] = await app.apiKeys.createMany([{ userId: 'ann' }])
  const secrets = [key, other]
  for (const secret of [...secrets, `${key}0`]) {
    for (const headers of [{ [HEADER]: secret }, { authorization: `Bearer ${secret}` }, { [HEADER]: `${secret}, ${secret}` }]) {
      for (const url of ['/me', '/boom', '/nowhere']) {
        const { body, headers: answer } = await app.inject({ url, headers })
        seen.push(body, answer)
      }
    }
  }
  await app.apiKeys.logout(id)
  await app.apiKeys.flush()
  await app.apiKeys.revoke(id)
  seen.push((await app.inject({ url: '/me', headers: { [HEADER]: key } })).body)
  seen.push(await app.apiKeys.get(id), await app.apiKeys.list('ann'), await app.apiKeys.identify(key), await app.apiKeys.profiles.list())
  for (const call of [() => app.apiKeys.verify(key), () => app.apiKeys.revoke(key), () => app.apiKeys.update(key, { name: 'x' })]) {
    await call().catch((error: unknown) => seen.push(error, error instanceof Error ? [error.message, error.stack] : null))
  }
  // While somebody reads, the write-ahead log is not emptied, so both files are full of what was written.
  connection(t, database).prepare('SELECT count(*) FROM api_keys').get()
  const places = { file: bytesOf(database).toString('latin1'), log: log.text, seen: JSON.stringify(seen) }
  t.ok(places.file.includes('laptop') && places.log.includes('incoming request') && places.seen.includes('laptop'))
  for (const secret of secrets) {
    // Not even the random part without what is shown of it.
    const hidden = secret.slice('ak_'.length + 4)
    for (const [place, text] of Object.entries(places)) t.notOk(text.includes(hidden.slice(0, 12)) || text.includes(hidden.slice(-12)), place)
  }
})
