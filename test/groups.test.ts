import { join } from 'node:path'
import t from 'tap'
import { ask, Clock, DAY, server } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'

onEachEngine("a profile's own values win over its group's, and the group's over the plugin's", async (t, database) => {
  const { apiKeys } = await server(t, {
    ...database,
    maxKeys: 5,
    expiry: { default: '1d', max: '10d' },
    groups: { free: { maxKeys: 1, canMakeKeys: false, canUseApi: false, expiry: { max: '2d' }, scopes: ['a'] }, plain: {} }
  })
  t.match(await apiKeys.profiles.create('ann'), { group: null, maxKeys: 5, canUseApi: true, canMakeKeys: true, scopes: null, expiry: { default: DAY, max: 10 * DAY } })
  t.match(await apiKeys.profiles.update('ann', { group: 'plain' }), { group: 'plain', maxKeys: 5, canUseApi: true, expiry: { max: 10 * DAY } })
  t.match(await apiKeys.profiles.update('ann', { group: 'free' }), { maxKeys: 1, canUseApi: false, canMakeKeys: false, scopes: ['a'], expiry: { default: DAY, max: 2 * DAY } })
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_MAKING_FORBIDDEN' })
  t.match(await apiKeys.profiles.update('ann', { maxKeys: 2, canUseApi: true, canMakeKeys: true, scopes: ['b'], expiry: { default: '3d', max: '3d' } }),
    { maxKeys: 2, canUseApi: true, canMakeKeys: true, scopes: ['b'], expiry: { default: 3 * DAY, max: 3 * DAY } })
  await apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann' }])
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED', message: /may hold 2 live/ })
  t.match(await apiKeys.profiles.update('ann', { expiry: { default: false, max: false } }), { expiry: { default: null, max: null } })
  t.match(await apiKeys.profiles.update('ann', { expiry: null, maxKeys: null, canUseApi: null, canMakeKeys: null, scopes: null }), { maxKeys: 1, canUseApi: false, expiry: { default: DAY, max: 2 * DAY } })
  t.match(await apiKeys.profiles.update('ann', { group: null }), { group: null, maxKeys: 5, canUseApi: true })
})

t.test('while its group is not declared, a key gets neither other scopes nor another life, which the group may not allow', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const groups = { gone: { scopes: ['a'], expiry: { max: '1d' } } }
  const before = await server(t, { database, groups })
  await before.apiKeys.profiles.create('ann', { group: 'gone' })
  const { id, expiresAt } = await before.apiKeys.create('ann')
  await before.close()
  const after = await server(t, { database })
  for (const changes of [{ expiresAt: null }, { expiresIn: '90d' }, { scopes: ['b'] }]) {
    await t.rejects(after.apiKeys.update(id, changes), { code: 'FST_API_KEY_UNKNOWN_GROUP' })
  }
  t.match(await after.apiKeys.update(id, { name: 'renamed', enabled: false }), { name: 'renamed', state: 'disabled', expiresAt, scopes: [] })
  await t.rejects(after.apiKeys.update(id, { enabled: true }), { code: 'FST_API_KEY_UNKNOWN_GROUP' })
  await t.rejects(after.apiKeys.rotate(id), { code: 'FST_API_KEY_UNKNOWN_GROUP' })
})

onEachEngine('changing a group takes effect on the next request', async (t, database) => {
  const app = await server(t, { ...database, groups: { barred: { canUseApi: false }, free: {} } })
  await app.apiKeys.profiles.create('ann', { group: 'free' })
  const { key } = await app.apiKeys.create('ann')
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.profiles.update('ann', { group: 'barred' })
  t.match(await ask(app, key), { status: 403, body: { code: 'FST_API_KEY_API_FORBIDDEN' } })
  await app.apiKeys.profiles.update('ann', { group: 'free' })
  t.equal((await ask(app, key)).status, 200)
})

t.test('a profile whose group is no longer declared is refused, whatever it says itself', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const before = await server(t, { database, groups: { gone: {} } })
  await before.apiKeys.profiles.create('ann', { group: 'gone', canUseApi: true, canMakeKeys: true })
  const { id, key } = await before.apiKeys.create('ann')
  await before.close()
  const clock = new Clock()
  const app = await server(t, { database, groups: { new: {} }, now: clock.now })
  t.match(await ask(app, key), { status: 403, body: { code: 'FST_API_KEY_UNKNOWN_GROUP', message: 'The owner of this API key is in a group that does not exist' } })
  t.match(await app.apiKeys.profiles.get('ann'), { group: 'gone', canUseApi: false, canMakeKeys: false })
  await t.rejects(app.apiKeys.create('ann'), { code: 'FST_API_KEY_UNKNOWN_GROUP' })
  t.equal((await app.apiKeys.list('ann')).length, 1)
  await app.apiKeys.revoke(id)
  t.match(await ask(app, key), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } })
  await app.apiKeys.profiles.update('ann', { group: 'new' })
  t.equal((await ask(app, (await app.apiKeys.create('ann')).key)).status, 200)
})
