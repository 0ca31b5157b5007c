import t from 'tap'
import type { ApiKeyOptions, User } from '../lib/index.js'
import { internalsOf } from '../lib/keys/service.js'
import { ask, Clock, server, T0 } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'

/** What a profile says that was given nothing. */
const nothing = { maxKeys: null, scopes: null, expiry: { default: null, max: null }, rateLimit: null, quota: null, canUseApi: null, canMakeKeys: null }

t.test('create makes a profile once and then finds it as it is', async (t) => {
  const clock = new Clock()
  const { apiKeys } = await server(t, { now: clock.now, maxKeys: 7 })
  const events: string[] = []
  apiKeys.on('apiUserCreated', ({ profile }) => events.push(profile.userId))
  const made = await apiKeys.profiles.create('ann', { canMakeKeys: false })
  t.strictSame(made, { id: made.id, userId: 'ann', group: null, maxKeys: 7, scopes: null, expiry: { default: null, max: null }, rateLimit: null, quota: null, canUseApi: true, canMakeKeys: false, own: { ...nothing, canMakeKeys: false }, lastAccessAt: null, createdAt: new Date(T0) })
  clock.tick(1)
  t.strictSame(await apiKeys.profiles.create('ann', { maxKeys: 1, canMakeKeys: true }), made)
  t.strictSame(await apiKeys.profiles.get('ann'), made)
  t.equal(await apiKeys.profiles.get('bob'), null)
  t.strictSame(events, ['ann'])
})

t.test('many creates at once make one profile and one event', async (t) => {
  const { apiKeys } = await server(t)
  let events = 0
  apiKeys.on('apiUserCreated', () => events++)
  const made = await Promise.all(Array.from({ length: 50 }, () => apiKeys.profiles.create('ann')))
  t.equal(new Set(made.map(({ id }) => id)).size, 1)
  t.equal(events, 1)
})

t.test('a profile that may not use the API is refused with 403 at the very next request', async (t) => {
  const app = await server(t)
  const { key } = await app.apiKeys.create('ann')
  const { key: other } = await app.apiKeys.create('bob')
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.profiles.update('ann', { canUseApi: false })
  for (let i = 0; i < 2; i++) {
    t.match(await ask(app, key), { status: 403, body: { code: 'FST_API_KEY_API_FORBIDDEN', message: 'The owner of this API key may not use the API' } })
  }
  t.equal((await ask(app, other)).status, 200)
  t.match(await app.apiKeys.profiles.get('ann'), { canUseApi: false })
  await app.apiKeys.profiles.update('ann', { canUseApi: null })
  t.equal((await ask(app, key)).status, 200)
})

t.test('a profile that may not make keys gets none, and keeps those it has', async (t) => {
  const app = await server(t)
  const { key } = await app.apiKeys.create('ann')
  await app.apiKeys.profiles.update('ann', { canMakeKeys: false })
  await t.rejects(app.apiKeys.create('ann'), { code: 'FST_API_KEY_MAKING_FORBIDDEN', statusCode: 403 })
  t.equal((await ask(app, key)).status, 200)
  await app.apiKeys.profiles.update('ann', { canMakeKeys: true })
  t.ok(await app.apiKeys.create('ann'))
})

t.test('update changes what is named; null goes back to the default, also when that changes', async (t) => {
  const { apiKeys } = await server(t, { maxKeys: 2 })
  const { id } = await apiKeys.profiles.create('ann')
  t.match(await apiKeys.profiles.update('ann', { maxKeys: -1 }), { id, maxKeys: -1, canUseApi: true })
  t.match(await apiKeys.profiles.update('ann', { canUseApi: false }), { maxKeys: -1, canUseApi: false })
  t.match(await apiKeys.profiles.update('ann', {}), { maxKeys: -1, canUseApi: false })
  const untouched = { maxKeys: undefined, canUseApi: true } as unknown as { canUseApi: boolean }
  t.match(await apiKeys.profiles.update('ann', untouched), { maxKeys: -1, canUseApi: true }, 'undefined is absent')
  t.match(await apiKeys.profiles.update('ann', { maxKeys: null, canUseApi: null, canMakeKeys: null }), { maxKeys: 2, canUseApi: true, canMakeKeys: true })
  await t.rejects(apiKeys.profiles.update('bob', { maxKeys: 1 }), { code: 'FST_API_KEY_NOT_FOUND', message: 'No profile has the id "bob"' })
})

t.test('list pages through all profiles by id', async (t) => {
  const { apiKeys } = await server(t)
  await apiKeys.createMany(Array.from({ length: 205 }, (_, i) => ({ userId: `user ${i}` })))
  t.equal((await apiKeys.profiles.list()).length, 100)
  const seen: string[] = []
  for (let cursor = 0; ;) {
    const page = await apiKeys.profiles.list({ cursor, limit: 50 })
    seen.push(...page.map(({ userId }) => userId))
    const last = page.at(-1)
    if (last === undefined) break
    cursor = last.id
  }
  t.strictSame(seen, Array.from({ length: 205 }, (_, i) => `user ${i}`))
  t.equal((await apiKeys.profiles.list({ limit: 1000 })).length, 205)
})

t.test('last access is that of the last request with any of the keys', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const [one, two] = [await app.apiKeys.create('ann'), await app.apiKeys.create('ann')]
  await app.apiKeys.create('bob')
  clock.tick(10)
  await ask(app, one.key)
  clock.tick(10)
  await ask(app, two.key)
  for (const step of ['before', 'after']) {
    t.match(await app.apiKeys.profiles.get('ann'), { lastAccessAt: new Date(T0 + 20) }, `${step} it is written`)
    t.match(await app.apiKeys.profiles.list(), [{ userId: 'ann', lastAccessAt: new Date(T0 + 20) }, { userId: 'bob', lastAccessAt: null }])
    t.match(await app.apiKeys.get(one.id), { lastUsedAt: new Date(T0 + 10) })
    await app.apiKeys.flush()
  }
})

t.test('delete revokes the keys in one step, tells of each, and create begins anew', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now, maxKeys: 3 })
  const keys = [await app.apiKeys.create('ann'), await app.apiKeys.create('ann'), await app.apiKeys.create('ann')]
  const { key: foreign } = await app.apiKeys.create('bob')
  await app.apiKeys.profiles.update('ann', { canUseApi: true })
  await app.apiKeys.revoke(keys[0]?.id ?? '')
  await ask(app, keys[1]?.key)
  const events: unknown[] = []
  app.apiKeys.on('apiKeyRevoked', (event) => events.push(event))
  clock.tick(5)
  const deleted = await app.apiKeys.profiles.delete('ann', { actor: 'admin', ip: '10.0.0.1' })
  t.match(deleted, { userId: 'ann', lastAccessAt: new Date(T0) })
  t.match(events, [1, 2].map((i) => ({
    key: { id: keys[i]?.id, state: 'revoked', revokedAt: new Date(T0 + 5) }, actor: 'admin', ip: '10.0.0.1', at: new Date(T0 + 5)
  })))
  t.equal(events.length, 2)
  for (const { key } of keys) t.match(await ask(app, key), { status: 401, body: { code: 'FST_API_KEY_REVOKED' } })
  t.equal((await ask(app, foreign)).status, 200)
  t.equal(await app.apiKeys.profiles.get('ann'), null)
  t.equal((await app.apiKeys.list('ann')).length, 3, 'the keys stay as history')
  await t.rejects(app.apiKeys.profiles.delete('ann'), { code: 'FST_API_KEY_NOT_FOUND' })

  const anew = await app.apiKeys.create('ann')
  t.notSame(anew.profileId, keys[0]?.profileId)
  t.match(await app.apiKeys.profiles.get('ann'), { lastAccessAt: null, createdAt: new Date(T0 + 5) })
  t.equal((await ask(app, anew.key)).status, 200)
  t.equal((await app.apiKeys.list('ann')).length, 4)
})

t.test('without a profile and without permission to have one, making a key has its own error', async (t) => {
  const refusing: NonNullable<ApiKeyOptions['autoProfile']>[] = [false, () => false, async () => false]
  for (const autoProfile of refusing) {
    const { apiKeys } = await server(t, { autoProfile })
    await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_NO_PROFILE', statusCode: 403, message: 'The user "ann" has no profile and may not get one' })
    t.equal(await apiKeys.profiles.get('ann'), null)
    await apiKeys.profiles.create('ann')
    t.ok(await apiKeys.create('ann'), 'with a profile it may')
  }
})

t.test('autoProfile as a function is asked once for each user who has no profile', async (t) => {
  const asked: User[] = []
  const { apiKeys } = await server(t, { autoProfile: async (user) => { asked.push(user); return user.id !== 'eve' } })
  await apiKeys.profiles.create('bob')
  await apiKeys.createMany([{ userId: 'ann' }, { userId: 'ann' }, { userId: 'bob' }])
  await apiKeys.create('ann')
  t.strictSame(asked, [{ id: 'ann' }])
  await t.rejects(apiKeys.create('eve'), { code: 'FST_API_KEY_NO_PROFILE' })
})

t.test('a function that fails or answers with something else makes no key', async (t) => {
  for (const answer of [undefined, null, 1, 'yes', {}]) {
    const { apiKeys } = await server(t, { autoProfile: () => answer as unknown as boolean })
    await t.rejects(apiKeys.create('ann'), { code: 'FST_API_KEY_INVALID_CALLBACK_RESULT', statusCode: 500, message: /^autoProfile must return a boolean, got / })
    t.equal(await apiKeys.profiles.get('ann'), null)
  }
  const { apiKeys } = await server(t, { autoProfile: async () => { throw new Error('no directory') } })
  await t.rejects(apiKeys.create('ann'), { message: 'no directory' })
})

t.test('a profile that goes while the function is not asked is not made again', async (t) => {
  const { apiKeys } = await server(t, { autoProfile: () => true })
  await apiKeys.profiles.create('ann')
  const [made, deleted] = await Promise.allSettled([apiKeys.create('ann'), apiKeys.profiles.delete('ann')])
  t.equal(deleted.status, 'fulfilled')
  if (made.status === 'rejected') t.match(made.reason, { code: 'FST_API_KEY_NO_PROFILE' })
  t.equal(await apiKeys.profiles.get('ann'), null)
})

t.test('a visit to the pages finds the profile or makes it as autoProfile allows', async (t) => {
  const asked: User[] = []
  const { apiKeys } = await server(t, { autoProfile: (user) => { asked.push(user); return user.id === 'ann' } })
  const user = { id: 'ann', name: 'Ann', owner: 'acme' }
  const made = await internalsOf(apiKeys).visit(user)
  t.match(made, { userId: 'acme' })
  t.strictSame(await internalsOf(apiKeys).visit({ id: 'bob', owner: 'acme' }), made)
  t.strictSame(asked, [user], 'with all that is known of the person')
  await t.rejects(internalsOf(apiKeys).visit({ id: 'bob' }), { code: 'FST_API_KEY_NO_PROFILE' })
  t.match(await internalsOf((await server(t)).apiKeys).visit({ id: 'eve' }), { userId: 'eve' })
})

onEachEngine('a profile tells what it says itself, in the form in which it was said, apart from what holds', async (t, database) => {
  const { apiKeys } = await server(t, {
    ...database, maxKeys: 7, rateLimit: { max: 9, timeWindow: '1m' }, groups: { free: { maxKeys: 2, canMakeKeys: false, expiry: { max: '1y' } } }
  }).then(async (app) => { await app.ready(); return app })
  const own = async () => (await apiKeys.profiles.get('ann'))?.own
  t.match(await apiKeys.profiles.create('ann', { group: 'free' }), { maxKeys: 2, canMakeKeys: false, own: nothing })
  const said = {
    maxKeys: -1, scopes: ['read'], expiry: { default: 60_000, max: false }, rateLimit: { max: 1, timeWindow: 1000 }, quota: { max: 5, every: 60_000 }, canUseApi: false, canMakeKeys: true
  } as const
  await apiKeys.profiles.update('ann', said)
  t.strictSame(await own(), said)
  await apiKeys.profiles.update('ann', { rateLimit: false, quota: false, expiry: { default: false } })
  t.strictSame(await own(), { ...said, rateLimit: false, quota: false, expiry: { default: false, max: false } })
  await apiKeys.profiles.update('ann', { rateLimit: false, expiry: { default: '1d', max: '2d' } })

  const before = await apiKeys.profiles.get('ann')
  let updates = 0
  apiKeys.on('apiUserUpdated', () => updates++)
  t.strictSame(await apiKeys.profiles.update('ann', before?.own ?? {}), before, 'what it says can be said again')
  t.equal(updates, 0, 'which changes nothing')
  await apiKeys.profiles.update('ann', nothing)
  t.strictSame(await own(), nothing)
})
