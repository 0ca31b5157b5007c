import t from 'tap'
import { ask, Clock, server, T0 } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'

onEachEngine('the keys of a user come in pages, each once, newest first', async (t, database) => {
  const { apiKeys } = await server(t, database)
  const made = await apiKeys.createMany(Array.from({ length: 25 }, (_, i) => ({ userId: 'ann', name: `key ${i}` })))
  await apiKeys.create('bob', { name: 'key of Bob' })
  const seen: string[] = []
  let pages = 0
  for (let cursor: string | null | undefined; cursor !== null; pages++) {
    const page = await apiKeys.find('ann', { limit: 10, ...(cursor !== undefined && { cursor }) })
    seen.push(...page.keys.map(({ id }) => id))
    cursor = page.cursor
    // One that is made in between is newer than all that is still to come.
    await apiKeys.create('ann', { name: 'late' })
  }
  t.equal(pages, 3)
  t.strictSame(seen, made.map(({ id }) => id).toReversed())
  t.strictSame((await apiKeys.find('ann', { search: 'KEY 2', limit: 6 })).keys.map(({ name }) => name), ['key 24', 'key 23', 'key 22', 'key 21', 'key 20', 'key 2'])
  t.equal((await apiKeys.find('ann', { search: 'KEY 2', limit: 6 })).cursor, null, 'nothing is left')
  t.strictSame(await apiKeys.count('ann'), { live: 28, dead: 0 })
  t.strictSame(await apiKeys.find('nobody'), { keys: [], cursor: null })
})

t.test('a page shows the last use and tells the live from the dead by the clock', async (t) => {
  const clock = new Clock()
  const app = await server(t, { now: clock.now })
  const { key } = await app.apiKeys.create('ann', { name: 'short', expiresIn: 1000 })
  const { id } = await app.apiKeys.create('ann', { name: 'long' })
  await ask(app, key)
  t.match(await app.apiKeys.find('ann', { search: 'short', live: true }), { keys: [{ state: 'active', lastUsedAt: new Date(T0) }] })
  clock.tick(1000)
  t.match(await app.apiKeys.find('ann', { live: false }), { keys: [{ name: 'short', state: 'expired' }] })
  await app.apiKeys.revoke(id)
  t.strictSame(await app.apiKeys.count('ann'), { live: 0, dead: 2 })
})

t.test('profiles are found by the beginning of the user id', async (t) => {
  const { apiKeys: { profiles } } = await server(t)
  for (const userId of ['staff-ann', 'staff-bob', 'guest-ann']) await profiles.create(userId)
  t.strictSame((await profiles.list({ search: 'staff-' })).map(({ userId }) => userId), ['staff-ann', 'staff-bob'])
  const code = 'FST_API_KEY_INVALID_ARGUMENT'
  for (const search of ['', 'x'.repeat(256), 'a\0', 5]) await t.rejects(profiles.list({ search: search as string }), { code, message: /^search must be text of 1 to 255/ })
})

t.test('what a search is asked for is checked', async (t) => {
  const { apiKeys } = await server(t)
  const code = 'FST_API_KEY_INVALID_ARGUMENT'
  for (const query of [{ search: '' }, { search: 'x'.repeat(101) }, { search: 'a\0' }, { live: 'true' }, { limit: 0 }, { limit: 1001 }, { cursor: '' }, { cursor: 5 }, { name: 'x' }, null, 'ann']) {
    await t.rejects(apiKeys.find('ann', query as object), { code })
  }
  await t.rejects(apiKeys.find(''), { code })
  await t.rejects(apiKeys.count(''), { code })
})
