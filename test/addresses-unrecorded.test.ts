import { join } from 'node:path'
import t from 'tap'
import type { ApiKeyEvents } from '../lib/index.js'
import { ask, Log, me, server } from './helpers/app.js'
import { connection } from './helpers/sqlite.js'

const ADDRESSES = /127\.0\.0\.1|192\.0\.2\.\d/

t.test('with recordIp: false no address is stored, told or logged', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const log = new Log()
  const app = await server(t, { database, recordIp: false }, log)
  const events: unknown[] = []
  for (const event of ['apiUserCreated', 'apiKeyCreated', 'apiUserLoggedIn', 'apiUserLoggedOut', 'apiKeyRevoked'] as const satisfies (keyof ApiKeyEvents)[]) {
    app.apiKeys.on(event, (payload: unknown) => events.push(payload))
  }
  const by = { actor: 'admin', ip: '192.0.2.1' }
  const { id, key } = await app.apiKeys.create('ann', {}, by)
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.verify(key, { ip: '192.0.2.2' })
  await app.apiKeys.flush()
  t.match(await app.apiKeys.get(id), { loggedIp: null })
  await app.apiKeys.logout(id, by)
  await app.apiKeys.revoke(id, by)
  await app.apiKeys.verify(key, { ip: '192.0.2.3' }).catch(() => {})
  t.equal(events.length, 6)
  t.match(events, [{ actor: 'admin', ip: null }, { ip: null }, { ip: null }, { ip: null }, { ip: null }, { ip: null }])
  t.notMatch(JSON.stringify(events), ADDRESSES)
  const client = connection(t, database)
  const tables = client.prepare<[], { name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").all()
  for (const { name } of tables) t.notMatch(JSON.stringify(client.prepare(`SELECT * FROM ${name}`).all()), ADDRESSES, name)
  t.notMatch(JSON.stringify(log.lines.filter(({ msg }) => msg === 'a request was refused')), ADDRESSES)
})

t.test('with recordIp: false what was remembered before tells no address either', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const before = await server(t, { database })
  const { id, key } = await before.apiKeys.create('ann', {}, { actor: 'admin', ip: '192.0.2.1' })
  await before.apiKeys.verify(key, { ip: '192.0.2.2' })
  t.match(await before.apiKeys.get(id), { loggedIp: '192.0.2.2' })
  t.match(await before.apiKeys.history({ keyId: id }), { entries: [{ actor: 'admin', ip: '192.0.2.1' }] })
  await before.close()
  const app = await server(t, { database, recordIp: false })
  t.match(await app.apiKeys.history({ keyId: id }), { entries: [{ actor: 'admin', ip: null }] })
  const told: unknown[] = [await app.apiKeys.get(id), await app.apiKeys.list('ann'), await app.apiKeys.identify(key)]
  for (const event of ['apiKeyUpdated', 'apiKeyRotated', 'apiUserLoggedOut', 'apiKeyRevoked'] as const satisfies (keyof ApiKeyEvents)[]) {
    app.apiKeys.on(event, (payload: unknown) => told.push(payload))
  }
  await app.apiKeys.update(id, { name: 'other' })
  await app.apiKeys.rotate(id)
  await app.apiKeys.logout(id)
  await app.apiKeys.revoke(id)
  t.equal(told.length, 7)
  t.notMatch(JSON.stringify(told), ADDRESSES)
})

t.test('with recordIp: false a login begins with the first use and the first after a logout, from whatever address', async (t) => {
  const app = await server(t, { recordIp: false })
  app.get('/logout', async (request) => { await request.apiLogout(); return await me(request, {} as never) })
  const { key } = await app.apiKeys.create('ann')
  const logins: boolean[] = []
  let logouts = 0
  app.apiKeys.on('apiUserLoggedIn', ({ isNew }) => logins.push(isNew))
  app.apiKeys.on('apiUserLoggedOut', () => logouts++)
  await app.apiKeys.verify(key, { ip: '192.0.2.1' })
  await app.apiKeys.verify(key, { ip: '192.0.2.2' })
  await app.apiKeys.verify(key)
  await app.apiKeys.flush()
  await ask(app, key, '/logout')
  await app.apiKeys.verify(key, { ip: '192.0.2.2' })
  t.strictSame(logins, [true, false, false, false, true])
  t.equal(logouts, 1)
})
