import { ask, Clock, DAY, server, T0 } from './helpers/app.js'
import { onEachShared } from './helpers/engines.js'
import { until } from './helpers/server.js'

const NOT_LIVE = { code: 'FST_API_KEY_NOT_LIVE', statusCode: 409 }
const MARK = `UPDATE api_key_profiles SET deleted_at = ${T0} WHERE user_id = 'ann'`

onEachShared('keys of a profile that SQL marks as deleted are revoked to requests, in records and counts, and to all that changes them', async (t, database, sql) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now, maxKeys: 2 })
  const { apiKeys } = app
  const { id, key } = await apiKeys.create('ann', { expiresIn: '1d' })
  const other = await apiKeys.create('ann')
  await apiKeys.update(other.id, { enabled: false })
  const bob = await apiKeys.create('bob', { expiresIn: '1d' })
  t.equal((await ask(app, key)).status, 200)
  t.equal((await apiKeys.expiring({ within: '2d' })).length, 2)
  await sql(MARK)
  await until(async () => (await ask(app, key)).body['code'] === 'FST_API_KEY_REVOKED')

  const dead = { state: 'revoked', revokedAt: new Date(T0), revokedReason: null }
  t.match(await apiKeys.get(id), dead)
  t.match(await apiKeys.identify(key), dead)
  t.match(await apiKeys.list('ann'), [{ ...dead, id: other.id, enabled: false }, { ...dead, id }])
  t.match(await apiKeys.find('ann', { live: false }), { keys: [{ id: other.id }, { id }] })
  t.strictSame(await apiKeys.find('ann', { live: true }), { keys: [], cursor: null })
  t.strictSame(await apiKeys.count('ann'), { live: 0, dead: 2 })
  t.match((await apiKeys.expiring({ within: '2d' })).map(({ id }) => id), [bob.id])

  await t.rejects(apiKeys.rotate(id), NOT_LIVE)
  await t.rejects(apiKeys.update(other.id, { enabled: true }), NOT_LIVE)
  await t.rejects(apiKeys.update(id, { scopes: ['read'] }), NOT_LIVE)
  t.match(await apiKeys.update(id, { name: 'gone' }), { ...dead, name: 'gone' })

  await apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann' }])
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED' }, 'and only what begins anew counts')
  t.strictSame(await apiKeys.count('ann'), { live: 2, dead: 2 })
})

onEachShared('a key that is revoked while its profile is marked as deleted stays so without the mark', async (t, database, sql) => {
  const app = await server(t, { ...database, now: () => T0 + DAY })
  const { apiKeys } = app
  const revoked: unknown[] = []
  apiKeys.on('apiKeyRevoked', ({ key }) => revoked.push(key.id))
  const [one, two, ann] = [await apiKeys.create('ann'), await apiKeys.create('bob'), await apiKeys.create('ann')]
  await sql('UPDATE api_key_profiles SET deleted_at = 1')
  t.match(await apiKeys.revoke(one.id, { reason: 'lost' }), { state: 'revoked', revokedAt: new Date(T0 + DAY), revokedReason: 'lost' })
  t.match(await apiKeys.revokeAll('bob'), [{ id: two.id, revokedAt: new Date(T0 + DAY) }])
  t.strictSame(revoked, [one.id, two.id])
  await sql('UPDATE api_key_profiles SET deleted_at = NULL')
  t.match(await Promise.all([one, two, ann].map(async ({ id }) => (await apiKeys.get(id))?.state)), ['revoked', 'revoked', 'active'])
  await until(async () => (await ask(app, ann.key)).status === 200)
  t.match((await ask(app, one.key)).body, { code: 'FST_API_KEY_REVOKED' })
})

onEachShared('keys of a profile that SQL marks as deleted are pruned when the mark is that old', async (t, database, sql) => {
  const clock = new Clock()
  const { apiKeys } = await server(t, { ...database, now: clock.now })
  await apiKeys.createMany([{ userId: 'ann' }, { userId: 'bob' }, { userId: 'ann' }])
  await sql(MARK)
  clock.tick(30 * DAY - 1)
  t.equal(await apiKeys.prune({ olderThan: '30d' }), 0)
  clock.tick(1)
  t.equal(await apiKeys.prune({ olderThan: '30d' }), 2)
  t.strictSame(await apiKeys.list('ann'), [])
  t.equal((await apiKeys.list('bob')).length, 1)
  t.strictSame((await apiKeys.history({ userId: 'ann' })).entries, [], 'the profile went with them')
})
