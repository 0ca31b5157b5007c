import t from 'tap'
import { ask, Clock, ERROR, HEADER, Log, me, server, T0 } from './helpers/app.js'

t.test('the five events tell what was changed, by whom and when', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const events: [string, unknown][] = []
  for (const event of ['apiUserCreated', 'apiKeyCreated', 'apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked'] as const) {
    app.apiKeys.on(event, (payload: unknown) => events.push([event, payload]))
  }
  const by = { actor: 'admin', ip: '10.0.0.1' }
  const { key, ...record } = await app.apiKeys.create('ann', { name: 'laptop' }, by)
  const profile = await app.apiKeys.profiles.get('ann')
  t.strictSame(events.splice(0), [
    ['apiUserCreated', { profile, ...by, at: new Date(T0) }],
    ['apiKeyCreated', { key: record, ...by, at: new Date(T0) }]
  ])
  clock.tick(5)
  await ask(app, key)
  const user = { id: 'ann', profileId: record.profileId, keyId: record.id, keyName: 'laptop', scopes: [] }
  t.strictSame(events.splice(0), [['apiUserLoggedIn', { user, ip: '127.0.0.1', at: new Date(T0 + 5), isNew: true }]])
  clock.tick(5)
  const loggedOut = await app.apiKeys.logout(record.id)
  t.strictSame(events.splice(0), [['apiUserLoggedOut', { key: loggedOut, actor: null, ip: null, at: new Date(T0 + 10) }]])
  clock.tick(5)
  const revoked = await app.apiKeys.revoke(record.id, { actor: 'ann' })
  t.strictSame(events.splice(0), [['apiKeyRevoked', { key: revoked, actor: 'ann', ip: null, at: new Date(T0 + 15) }]])
})

t.test('each event comes once the change is stored', async (t) => {
  const app = await server(t)
  const order: string[] = []
  const checks: Promise<void>[] = []
  const later = (event: string, check: () => Promise<unknown>) => {
    order.push(event)
    checks.push(check().then((found) => { t.ok(found, `${event} after the change`) }))
  }
  app.apiKeys.on('apiUserCreated', ({ profile }) => later('apiUserCreated', async () => await app.apiKeys.profiles.get(profile.userId)))
  app.apiKeys.on('apiKeyCreated', ({ key }) => later('apiKeyCreated', async () => await app.apiKeys.get(key.id)))
  app.apiKeys.on('apiKeyRevoked', ({ key }) => later('apiKeyRevoked', async () => (await app.apiKeys.get(key.id))?.state === 'revoked'))
  app.apiKeys.on('apiUserLoggedOut', ({ key }) => later('apiUserLoggedOut', async () => (await app.apiKeys.get(key.id))?.loggedIp === null))
  app.apiKeys.on('apiUserLoggedIn', ({ user, ip }) => later('apiUserLoggedIn', async () => (await app.apiKeys.get(user.keyId))?.loggedIp === ip))
  const { id, key } = await app.apiKeys.create('ann')
  await app.apiKeys.verify(key, { ip: '10.0.0.1' })
  await checks.at(-1)
  await app.apiKeys.logout(id)
  await app.apiKeys.revoke(id)
  await Promise.all(checks)
  t.strictSame(order, ['apiUserCreated', 'apiKeyCreated', 'apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked'])
})

t.test('what changes nothing emits nothing', async (t) => {
  const app = await server(t, { maxKeys: 1 })
  const { id, key } = await app.apiKeys.create('ann')
  const events: string[] = []
  for (const event of ['apiUserCreated', 'apiKeyCreated', 'apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked'] as const) app.apiKeys.on(event, () => events.push(event))
  await app.apiKeys.profiles.create('ann')
  await app.apiKeys.create('ann').catch(() => {})
  await app.apiKeys.logout(id)
  await app.apiKeys.update(id, { name: 'x' })
  await ask(app, `${key}0`)
  await ask(app)
  await app.apiKeys.identify(key)
  t.strictSame(events, [])
  await app.apiKeys.revoke(id)
  await app.apiKeys.revoke(id)
  await ask(app, key)
  t.strictSame(events, ['apiKeyRevoked'])
})

t.test('a login is new at the first use, from another address, and after a logout', async (t) => {
  for (const cache of [{ max: 2 }, false] as const) {
    const app = await server(t, { cache })
    const { id, key } = await app.apiKeys.create('ann')
    const seen: [string | null, boolean][] = []
    app.apiKeys.on('apiUserLoggedIn', ({ ip, isNew }) => seen.push([ip, isNew]))
    for (const ip of ['10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.2', '10.0.0.1']) await app.apiKeys.verify(key, { ip })
    await app.apiKeys.verify(key)
    await app.apiKeys.logout(id)
    await app.apiKeys.verify(key, { ip: '10.0.0.1' })
    await app.apiKeys.flush()
    await app.apiKeys.update(id, { name: 'forgotten by the cache' })
    await app.apiKeys.verify(key, { ip: '10.0.0.1' })
    t.strictSame(seen, [
      ['10.0.0.1', true], ['10.0.0.1', false], ['10.0.0.2', true], ['10.0.0.2', false], ['10.0.0.1', true],
      [null, false], ['10.0.0.1', true], ['10.0.0.1', false]
    ])
  }
})

t.test('a listener that throws or rejects is logged and harms nobody', async (t) => {
  const log = new Log()
  const app = await server(t, {}, log)
  const heard: string[] = []
  for (const event of ['apiUserCreated', 'apiKeyCreated', 'apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked'] as const) {
    app.apiKeys.on(event, () => { throw new Error(`${event} threw`) })
    app.apiKeys.on(event, async () => { throw new Error(`${event} rejected`) })
    app.apiKeys.on(event, () => heard.push(event))
  }
  const { id, key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.logout(id)
  await app.apiKeys.revoke(id)
  await new Promise(setImmediate)
  const events = ['apiUserCreated', 'apiKeyCreated', 'apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked']
  t.strictSame(heard, events)
  const failures = log.lines.filter((line) => line['level'] === ERROR)
  t.equal(failures.length, 10)
  for (const event of events) {
    for (const what of ['threw', 'rejected']) t.ok(failures.some((line) => line['event'] === event && JSON.stringify(line['err']).includes(`${event} ${what}`)))
  }
  t.notOk(log.text.includes(key.slice(10)))
})

t.test('a listener for once hears one event, with the service as its this', async (t) => {
  const { apiKeys } = await server(t)
  const heard: string[] = []
  apiKeys.once('apiKeyCreated', function (this: unknown, { key }) {
    heard.push(key.name)
    t.equal(this, apiKeys)
  })
  await apiKeys.create('ann', { name: 'first' })
  await apiKeys.create('ann', { name: 'second' })
  t.strictSame(heard, ['first'])
  t.equal(apiKeys.listenerCount('apiKeyCreated'), 0)
})

t.test('a refused request is no login, whatever refuses it', async (t) => {
  const app = await server(t)
  app.get('/scoped', { config: { apiKey: { scopes: ['write'] } } }, me)
  let logins = 0
  app.apiKeys.on('apiUserLoggedIn', () => logins++)
  const { id, key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key, '/scoped')).status, 403)
  await app.apiKeys.profiles.update('ann', { canUseApi: false })
  t.equal((await ask(app, key)).status, 403)
  await app.apiKeys.revoke(id)
  t.equal((await app.inject({ url: '/me', headers: { [HEADER]: key } })).statusCode, 401)
  t.equal(logins, 0)
  t.match(await app.apiKeys.get(id), { lastUsedAt: null, loggedIp: null })
})

t.test('apiLogout tells of the logout with the address of the request', async (t) => {
  const app = await server(t)
  app.post('/logout', async (request) => {
    await request.apiLogout()
    await request.apiLogout()
    return { user: request.apiUser }
  })
  app.get('/public', { config: { apiKey: false } }, async (request) => { await request.apiLogout(); return { user: request.apiUser } })
  const { id, key } = await app.apiKeys.create('ann')
  const events: unknown[] = []
  app.apiKeys.on('apiUserLoggedOut', (event) => events.push(event))
  const response = await app.inject({ method: 'POST', url: '/logout', headers: { [HEADER]: key } })
  t.strictSame(response.json(), { user: null })
  t.match(events, [{ key: { id, loggedIp: null }, actor: null, ip: '127.0.0.1' }])
  t.equal(events.length, 1)
  t.equal((await ask(app, key)).status, 200, 'the key itself keeps working')
  t.strictSame((await ask(app, key, '/public')).body, { user: null })
  t.equal(events.length, 1)
})
