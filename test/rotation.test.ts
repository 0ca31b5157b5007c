import t from 'tap'
import { ask, Clock, HOUR, server, T0 } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'
import { bytesOf } from './helpers/sqlite.js'

const at = (time: number) => new Date(T0 + time)

onEachEngine('a rotation gives the same key a new secret, and the old one works until the overlap ends', async (t, database) => {
  for (const cache of [{ max: 10 }, false] as const) {
    const clock = new Clock()
    const app = await server(t, { ...database, cache, now: clock.now })
    const made = await app.apiKeys.create('ann', { name: 'laptop', scopes: ['a'], expiresIn: '30d', metadata: { team: 'x' }, allowedIps: ['127.0.0.1'] })
    const { key: old, start: _start, ...before } = made
    t.equal((await ask(app, old)).status, 200)
    const { key, start, ...after } = await app.apiKeys.rotate(made.id, { overlap: '24h' })
    t.not(key, old)
    t.equal(start, key.slice(0, 7))
    t.strictSame(after, { ...before, lastUsedAt: at(0), loggedIp: '127.0.0.1', rotatedAt: at(0), previousUntil: at(24 * HOUR) })
    for (const secret of [old, key, old]) t.match(await ask(app, secret), { status: 200, body: { user: { keyId: made.id, keyName: 'laptop', scopes: ['a'] } } })
    t.match(await app.apiKeys.identify(old), { id: made.id })
    t.match(await app.apiKeys.identify(key), { id: made.id })
    clock.tick(24 * HOUR - 1)
    t.equal((await ask(app, old)).status, 200)
    clock.tick(1)
    t.match(await ask(app, old), { status: 401, body: { code: 'FST_API_KEY_ROTATED' } })
    t.equal((await ask(app, key)).status, 200)
    t.match(await app.apiKeys.identify(old), { id: made.id, state: 'active' }, 'and still tells whose it was')
    await app.close()
  }
})

onEachEngine('without an overlap the old secret ends at once, also where it is in memory', async (t, database) => {
  const app = await server(t, database)
  const { id, key: old } = await app.apiKeys.create('ann')
  t.equal((await ask(app, old)).status, 200)
  const { key } = await app.apiKeys.rotate(id)
  t.match(await ask(app, old), { status: 401, body: { code: 'FST_API_KEY_ROTATED', message: 'The API key has a new secret, and this one is no longer accepted' } })
  t.equal((await ask(app, key)).status, 200)
})

onEachEngine('two rotations in a row leave two live secrets, and one of them ends with 0', async (t, database) => {
  const app = await server(t, database)
  const { id, key: first } = await app.apiKeys.create('ann')
  const { key: second } = await app.apiKeys.rotate(id, { overlap: '1h' })
  for (const key of [first, second]) t.equal((await ask(app, key)).status, 200)
  const { key: third } = await app.apiKeys.rotate(id, { overlap: '1h' })
  t.match(await ask(app, first), { status: 401, body: { code: 'FST_API_KEY_INVALID' } })
  for (const key of [second, third]) t.equal((await ask(app, key)).status, 200)
  const { key: fourth } = await app.apiKeys.rotate(id, { overlap: 0 })
  t.strictSame(await Promise.all([first, second, third, fourth].map(async (key) => (await ask(app, key)).status)), [401, 401, 401, 200])
  t.equal((await app.apiKeys.list('ann')).length, 1)
})

onEachEngine('the last use of a key with two secrets only moves forward, also when the clock does not', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { id, key: old } = await app.apiKeys.create('ann')
  const { key } = await app.apiKeys.rotate(id, { overlap: '1h' })
  for (const secret of [key, old]) await ask(app, secret)
  clock.tick(5000)
  await ask(app, key)
  clock.tick(-2000)
  await ask(app, old)
  t.match(await app.apiKeys.get(id), { lastUsedAt: at(5000), previousUsedAt: at(3000) })
  await app.apiKeys.flush()
  t.match(await app.apiKeys.get(id), { lastUsedAt: at(5000), previousUsedAt: at(3000) })
})

onEachEngine('a logout ends the login of both secrets, and the next use of either begins one', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { id, key: old } = await app.apiKeys.create('ann')
  const { key } = await app.apiKeys.rotate(id, { overlap: '1h' })
  const isNew: boolean[] = []
  app.apiKeys.on('apiUserLoggedIn', (event) => isNew.push(event.isNew))
  for (const first of [old, key]) {
    for (const secret of [key, old]) await ask(app, secret)
    await app.apiKeys.flush()
    await app.apiKeys.logout(id)
    isNew.length = 0
    await ask(app, first)
    t.strictSame(isNew, [true])
  }
})

onEachEngine('of many rotations at once at most two secrets are live in the end', async (t, database) => {
  const app = await server(t, database)
  const { id, key } = await app.apiKeys.create('ann')
  await ask(app, key)
  const rotated = await Promise.all(Array.from({ length: 12 }, () => app.apiKeys.rotate(id, { overlap: '1h' })))
  const statuses = await Promise.all([key, ...rotated.map(({ key }) => key)].map(async (secret) => (await ask(app, secret)).status))
  t.equal(statuses[0], 401)
  t.equal(statuses.filter((status) => status === 200).length, 2)
})

t.test('an overlap never outlasts the key', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const { id, key: old } = await app.apiKeys.create('ann', { expiresIn: '2h' })
  clock.tick(HOUR)
  await t.rejects(app.apiKeys.rotate(id, { overlap: HOUR + 1 }), {
    code: 'FST_API_KEY_INVALID_ARGUMENT', message: `overlap must be at most ${HOUR} ms, after which the key expires, got ${HOUR + 1}`
  })
  t.match(await app.apiKeys.get(id), { rotatedAt: null })
  const { key } = await app.apiKeys.rotate(id, { overlap: HOUR })
  await app.apiKeys.update(id, { expiresIn: 1000 })
  clock.tick(1000)
  for (const secret of [old, key]) t.match(await ask(app, secret), { status: 401, body: { code: 'FST_API_KEY_EXPIRED' } })
})

t.test('both secrets follow what becomes of the key', async (t) => {
  const app = await server(t)
  const { id, key: old } = await app.apiKeys.create('ann')
  const { key } = await app.apiKeys.rotate(id, { overlap: '1h' })
  const codes = async () => await Promise.all([old, key].map(async (secret) => (await ask(app, secret)).body['code']))
  await app.apiKeys.update(id, { enabled: false })
  t.strictSame(await codes(), ['FST_API_KEY_DISABLED', 'FST_API_KEY_DISABLED'])
  await app.apiKeys.update(id, { enabled: true })
  t.strictSame(await codes(), [undefined, undefined])
  await app.apiKeys.revoke(id)
  t.strictSame(await codes(), ['FST_API_KEY_REVOKED', 'FST_API_KEY_REVOKED'])
})

onEachEngine('the record says when the old secret was last used since the rotation', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { id, key: old } = await app.apiKeys.create('ann')
  await ask(app, old)
  clock.tick(10)
  const { key } = await app.apiKeys.rotate(id, { overlap: '1h' })
  const told = async () => {
    const noted = (await app.apiKeys.get(id))
    await app.apiKeys.flush()
    t.strictSame(await app.apiKeys.get(id), noted, 'stored as it was noted')
    return [noted?.lastUsedAt, noted?.previousUsedAt]
  }
  t.strictSame(await told(), [at(0), null], 'uses from before the rotation are not told')
  clock.tick(10)
  await ask(app, old)
  clock.tick(10)
  await ask(app, key)
  t.strictSame(await told(), [at(30), at(20)])
  clock.tick(10)
  await ask(app, key)
  await ask(app, old)
  await ask(app, key)
  t.strictSame(await told(), [at(40), at(40)])
  clock.tick(10)
  await app.apiKeys.rotate(id, { overlap: '1h' })
  t.strictSame(await told(), [at(40), null], 'and begin anew with the next')
})

t.test('a rotation is told of, without the secret, and the database has neither', async (t) => {
  const database = `${t.testdir()}/keys.db`
  const app = await server(t, { database })
  const events: unknown[] = []
  app.apiKeys.on('apiKeyRotated', (event) => events.push(event))
  const { id, key: old } = await app.apiKeys.create('ann')
  const { key } = await app.apiKeys.rotate(id, { overlap: '1h' }, { actor: 'support', ip: '192.0.2.1' })
  t.match(events, [{ key: { id, start: key.slice(0, 7) }, actor: 'support', ip: '192.0.2.1', at: Date }])
  t.equal(events.length, 1)
  for (const secret of [old, key]) {
    t.notMatch(JSON.stringify(events), secret.slice(8))
    t.notOk(bytesOf(database).includes(secret.slice(8)))
  }
  await t.rejects(app.apiKeys.rotate('0198abcd-0000-7000-8000-000000000001'), { code: 'FST_API_KEY_NOT_FOUND' })
})

t.test('keys in rotation count once', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 2 })
  const { id } = await apiKeys.create('ann')
  await apiKeys.rotate(id, { overlap: '1h' })
  await apiKeys.create('ann')
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED' })
})

onEachEngine('with the time of the rotation that the caller saw, asking twice at once rotates once', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { id, rotatedAt } = await app.apiKeys.create('ann')
  const rotate = (rotatedAt: Date | null) => app.apiKeys.rotate(id, { overlap: '1h', rotatedAt }).then(({ key }) => key, (error) => error.code)
  const answers = await Promise.all([rotate(rotatedAt), rotate(rotatedAt)])
  t.strictSame(answers.filter((answer) => answer === 'FST_API_KEY_ALREADY_ROTATED').length, 1)
  const [secret = ''] = answers.filter((answer) => answer !== 'FST_API_KEY_ALREADY_ROTATED')
  t.equal((await ask(app, secret)).status, 200)
  clock.tick(1)
  t.equal(await rotate(null), 'FST_API_KEY_ALREADY_ROTATED')
  t.match(await rotate((await app.apiKeys.get(id))?.rotatedAt ?? null), /^ak_/)
  for (const wrong of ['2030-01-01', new Date(NaN), 5]) {
    await t.rejects(app.apiKeys.rotate(id, { rotatedAt: wrong as Date }), { code: 'FST_API_KEY_INVALID_ARGUMENT', message: /^rotatedAt must be a Date, or null/ })
  }
})
