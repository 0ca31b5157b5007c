import t, { type Test } from 'tap'
import type { ApiKeyOptions } from '../lib/index.js'
import { ask, Clock, DAY, HOUR, server, T0 } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'

const at = (time: number) => new Date(T0 + time)

onEachEngine('a key is refused from the millisecond at which it expires, in memory or not', async (t, database) => {
  for (const cache of [{ max: 10 }, false] as const) {
    const clock = new Clock()
    const app = await server(t, { ...database, cache, now: clock.now })
    const { id, key, expiresAt } = await app.apiKeys.create('ann', { expiresIn: '1h' })
    t.strictSame(expiresAt, at(HOUR))
    clock.tick(3_599_999)
    t.equal((await ask(app, key)).status, 200)
    clock.tick(1)
    const response = await app.inject({ url: '/me', headers: { 'x-api-authorization': key } })
    t.match(response.json(), { statusCode: 401, code: 'FST_API_KEY_EXPIRED', message: 'The API key has expired' })
    t.equal(response.headers['www-authenticate'], 'ApiKey realm="API", header="X-Api-Authorization"')
    await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_EXPIRED' })
    t.match(await app.apiKeys.identify(key), { id, state: 'expired' })
    t.match((await app.apiKeys.list('ann')).find((found) => found.id === id), { state: 'expired' })
    await app.close()
  }
})

t.test('a time may be a Date, milliseconds or a duration, and null is never', async (t) => {
  const { apiKeys } = await server(t, { now: () => T0 })
  t.strictSame((await apiKeys.create('ann', { expiresAt: at(5) })).expiresAt, at(5))
  t.strictSame((await apiKeys.create('ann', { expiresAt: T0 + 5 })).expiresAt, at(5))
  t.strictSame((await apiKeys.create('ann', { expiresIn: '90d' })).expiresAt, at(90 * DAY))
  t.equal((await apiKeys.create('ann', { expiresAt: null })).expiresAt, null)
  const [made] = await apiKeys.createMany([{ userId: 'ann', expiresIn: '2d' }])
  t.strictSame(made?.expiresAt, at(2 * DAY))
  t.equal((await apiKeys.update(String(made?.id), { expiresAt: null })).expiresAt, null)
  t.strictSame((await apiKeys.update(String(made?.id), { expiresIn: '3d' })).expiresAt, at(3 * DAY))
})

onEachEngine('no path gets around the maximum', async (t, database) => {
  const clock = new Clock()
  const { apiKeys } = await server(t, { ...database, now: clock.now, expiry: { max: '10d' }, groups: { short: { expiry: { max: '2d', default: '1d' } } } })
  const refusal = { code: 'FST_API_KEY_EXPIRY_TOO_LATE', statusCode: 400 }
  await t.rejects(apiKeys.create('ann', { expiresIn: 10 * DAY + 1 }), {
    ...refusal, message: `This key of the user "ann" must expire by ${at(10 * DAY).toISOString()}, got ${at(10 * DAY + 1).toISOString()}`
  })
  await t.rejects(apiKeys.create('ann', { expiresAt: null }), { ...refusal, message: /got never$/ })
  await t.rejects(apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann', expiresAt: null }]), refusal)
  await t.rejects(apiKeys.createMany([{ userId: 'ann', expiresAt: at(11 * DAY) }]), refusal)
  t.equal(await apiKeys.profiles.get('ann'), null, 'nothing is stored')
  const { id, expiresAt } = await apiKeys.create('ann')
  t.strictSame(expiresAt, at(10 * DAY), 'without a default the maximum is one')
  t.strictSame((await apiKeys.create('ann', { expiresIn: '10d' })).expiresAt, at(10 * DAY))
  await t.rejects(apiKeys.update(id, { expiresAt: null }), refusal)
  clock.tick(9 * DAY)
  await t.rejects(apiKeys.update(id, { expiresIn: '2d' }), refusal)
  t.strictSame((await apiKeys.update(id, { expiresIn: '1d' })).expiresAt, at(10 * DAY), 'it counts from the making')
  t.match(await apiKeys.rotate(id), { expiresAt: at(10 * DAY) })

  await apiKeys.profiles.create('bob', { group: 'short' })
  t.strictSame((await apiKeys.create('bob')).expiresAt, at(10 * DAY), 'a day from now')
  await t.rejects(apiKeys.create('bob', { expiresIn: '3d' }), refusal)
  await apiKeys.profiles.update('bob', { expiry: { max: false, default: null } })
  t.equal((await apiKeys.create('bob', { expiresAt: null })).expiresAt, null, 'its own value wins')
  await apiKeys.profiles.update('bob', { expiry: { max: HOUR } })
  t.strictSame((await apiKeys.create('bob')).expiresAt, at(9 * DAY + HOUR), 'a default of the group is cut to the maximum')
})

onEachEngine('expired keys make room, and cannot come back', async (t, database) => {
  const clock = new Clock()
  const { apiKeys } = await server(t, { ...database, now: clock.now, maxKeys: 1 })
  const { id } = await apiKeys.create('ann', { expiresIn: '1d' })
  await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_LIMIT_REACHED' })
  clock.tick(DAY)
  const made = await Promise.allSettled(Array.from({ length: 10 }, () => apiKeys.create('ann')))
  t.equal(made.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const change of [{ expiresIn: '1d' }, { expiresAt: null }, { enabled: true }, { scopes: [] }, { allowedIps: null }]) {
    await t.rejects(apiKeys.update(id, change), { code: 'FST_API_KEY_NOT_LIVE', message: new RegExp(`^The API key "${id}" is expired, and its \\w+ cannot be changed any more$`) })
  }
  await t.rejects(apiKeys.rotate(id), { code: 'FST_API_KEY_NOT_LIVE', message: /its secret cannot/ })
  t.match(await apiKeys.get(id), { state: 'expired', expiresAt: at(DAY) })
})

t.test('keys that expire soon are listed for an application that warns of them', async (t) => {
  const clock = new Clock()
  const { apiKeys } = await server(t, { now: clock.now })
  const [week, tomorrow, revoked] = await apiKeys.createMany(['7d', '1d', '2d', '30d'].map((expiresIn, i) => ({ userId: `user ${i}`, expiresIn })))
  await apiKeys.create('ann')
  await apiKeys.revoke(String(revoked?.id))
  t.match(await apiKeys.expiring({ within: '14d' }), [{ id: tomorrow?.id, state: 'active', userId: 'user 1' }, { id: week?.id }])
  clock.tick(DAY)
  t.strictSame((await apiKeys.expiring({ within: '6d' })).map(({ id }) => id), [week?.id])
})

/** A key without end of a profile that has moved below a maximum of ten days since, five days old and disabled or not. */
async function longLived (t: Test, database: ApiKeyOptions, enabled = true) {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now, groups: { short: { expiry: { max: '10d' } } } })
  const { id, key } = await app.apiKeys.create('ann')
  if (!enabled) await app.apiKeys.update(id, { enabled: false })
  await app.apiKeys.profiles.update('ann', { group: 'short' })
  clock.tick(5 * DAY)
  return { app, apiKeys: app.apiKeys, clock, id, key }
}

/** How a key that is too old for the maximum is refused. */
const TOO_OLD = {
  code: 'FST_API_KEY_EXPIRY_TOO_LATE',
  statusCode: 400,
  message: `This key of the user "ann" must expire by ${at(10 * DAY).toISOString()}, got never; that time is over, so make a new key in its place or raise expiry.max`
}

onEachEngine('a key without end that comes under a maximum lives on, but its next secret does not live longer than that', async (t, database) => {
  const { app, apiKeys, clock, id, key: old } = await longLived(t, database)
  t.equal((await ask(app, old)).status, 200)
  t.equal((await apiKeys.update(id, { name: 'new', scopes: [] })).expiresAt, null, 'other changes leave it')
  await t.rejects(apiKeys.rotate(id, { overlap: 5 * DAY + 1 }), { code: 'FST_API_KEY_INVALID_ARGUMENT', message: /overlap must be at most 432000000 ms/ })
  t.equal((await apiKeys.get(id))?.expiresAt, null, 'what is refused changes nothing')
  const { key, expiresAt } = await apiKeys.rotate(id, { overlap: '5d' })
  t.strictSame(expiresAt, at(10 * DAY))
  t.strictSame((await apiKeys.get(id))?.expiresAt, at(10 * DAY))
  t.match((await apiKeys.history({ keyId: id, limit: 1 })).entries, [{ action: 'apiKeyRotated', changes: { expiresAt: [null, T0 + 10 * DAY] } }])
  t.strictSame([(await ask(app, old)).status, (await ask(app, key)).status], [200, 200])
  clock.tick(5 * DAY)
  for (const secret of [old, key]) t.match(await ask(app, secret), { status: 401, body: { code: 'FST_API_KEY_EXPIRED' } })
})

onEachEngine('a key that is older than it may become is not rotated, and keeps its secret', async (t, database) => {
  const { app, apiKeys, clock, id, key } = await longLived(t, database)
  clock.tick(5 * DAY)
  await t.rejects(apiKeys.rotate(id), TOO_OLD)
  await t.rejects(apiKeys.update(id, { expiresAt: null }), TOO_OLD)
  await t.rejects(apiKeys.update(id, { expiresIn: 1 }), { code: TOO_OLD.code, message: /that time is over, so make a new key in its place or raise expiry\.max$/ })
  t.equal((await ask(app, key)).status, 200)
  await apiKeys.profiles.update('ann', { expiry: { max: '11d' } })
  t.strictSame((await apiKeys.rotate(id)).expiresAt, at(11 * DAY))
})

onEachEngine('enabling a key is no way around the maximum either', async (t, database) => {
  const { apiKeys, clock, id } = await longLived(t, database, false)
  t.match(await apiKeys.update(id, { enabled: false, name: 'off' }), { expiresAt: null })
  t.match(await apiKeys.update(id, { enabled: true }), { state: 'active', expiresAt: at(10 * DAY) })
  await apiKeys.update(id, { enabled: false })
  t.match(await apiKeys.update(id, { enabled: true, expiresIn: '1d' }), { state: 'active', expiresAt: at(6 * DAY) })
  const { id: other } = await apiKeys.create('bob')
  await apiKeys.update(other, { enabled: false })
  await apiKeys.profiles.update('bob', { group: 'short' })
  clock.tick(10 * DAY)
  await t.rejects(apiKeys.update(other, { enabled: true, name: 'on' }), { code: TOO_OLD.code })
  t.match(await apiKeys.get(other), { state: 'disabled', name: '', expiresAt: null })
})
