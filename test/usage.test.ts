import { join } from 'node:path'
import t from 'tap'
import { ApiKeys, internalsOf } from '../lib/keys/service.js'
import { resolveOptions } from '../lib/options.js'
import { openStore } from '../lib/store/open.js'
import { ask, Clock, DAY, me, server, silentLog, T0 } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'
import { quiet } from './helpers/postgres.js'

const day = (time: number) => new Date(time).toISOString().slice(0, 10)

onEachEngine('uses and refusals of a key are counted by day', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  app.get('/scoped', { config: { apiKey: { scopes: ['write'] } } }, me)
  const { id, key } = await app.apiKeys.create('ann')
  const { id: other } = await app.apiKeys.create('ann')
  for (let i = 0; i < 3; i++) await ask(app, key)
  await ask(app, key, '/scoped')
  t.strictSame(await app.apiKeys.usage(id), [{ day: day(T0), accepted: 3, refused: { FST_API_KEY_INSUFFICIENT_SCOPE: 1 } }])
  await ask(app, key)
  clock.tick(DAY)
  await ask(app, key)
  await app.apiKeys.verify(key)
  clock.tick(2 * DAY)
  await app.apiKeys.revoke(id)
  await ask(app, key)
  await ask(app, `${key}0`)
  t.strictSame(await app.apiKeys.usage(id, { from: new Date(T0), to: day(T0 + 3 * DAY) }), [
    { day: day(T0), accepted: 4, refused: { FST_API_KEY_INSUFFICIENT_SCOPE: 1 } },
    { day: day(T0 + DAY), accepted: 2, refused: {} },
    { day: day(T0 + 3 * DAY), accepted: 0, refused: { FST_API_KEY_REVOKED: 1 } }
  ])
  t.strictSame(await app.apiKeys.usage(id, { from: day(T0 + DAY), to: day(T0 + DAY) }), [{ day: day(T0 + DAY), accepted: 2, refused: {} }])
  t.strictSame(await app.apiKeys.usage(other), [])
  clock.tick(29 * DAY)
  t.strictSame((await app.apiKeys.usage(id)).map(({ day }) => day), [day(T0 + 3 * DAY)], 'thirty days unless told')
  await t.rejects(app.apiKeys.usage('0198abcd-0000-7000-8000-000000000001'), { code: 'FST_API_KEY_NOT_FOUND' })
})

onEachEngine('uses are counted for their own day when a clock that was ahead is set back', async (t, database) => {
  const clock = new Clock()
  const app = await server(t, { ...database, now: clock.now })
  const { id, key } = await app.apiKeys.create('ann')
  await ask(app, key)
  clock.tick(10 * DAY)
  await ask(app, key)
  clock.tick(-10 * DAY)
  for (let i = 0; i < 3; i++) await ask(app, key)
  t.strictSame(await app.apiKeys.usage(id, { from: new Date(T0), to: day(T0 + 10 * DAY) }), [
    { day: day(T0), accepted: 4, refused: {} },
    { day: day(T0 + 10 * DAY), accepted: 1, refused: {} }
  ])
})

t.test('counts of several processes add up, and shutdown writes what is left', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const [one, two] = [await server(t, { database }), await server(t, { database })]
  const { id, key } = await one.apiKeys.create('ann')
  for (const app of [one, two, two]) await ask(app, key)
  await two.close()
  t.match(await one.apiKeys.usage(id), [{ accepted: 3 }])
})

onEachEngine('counts are exact whenever they are asked for, also while they are being written', async (t, database) => {
  const app = await server(t, database)
  const { id, key } = await app.apiKeys.create('ann')
  for (let used = 1; used <= 40; used++) {
    await app.apiKeys.verify(key)
    const before = used % 2 === 0 ? null : app.apiKeys.flush()
    const looking = Promise.all([app.apiKeys.usage(id), internalsOf(app.apiKeys).uses([id]).then((uses) => uses.get(id))])
    await Promise.all([before, app.apiKeys.flush()])
    for (const days of await looking) t.equal(days?.reduce((sum, { accepted }) => sum + accepted, 0), used)
  }
})

t.test('to look at counts stores nothing', async (t) => {
  const store = await openStore({ database: ':memory:', schema: undefined, migrate: true }, quiet)
  const clock = new Clock()
  const service = new ApiKeys(store, resolveOptions({ now: clock.now }), silentLog)
  const { id, key } = await service.create('ann')
  await service.flush()
  await service.verify(key)
  clock.tick(DAY)
  await service.verify(key)
  const today = { day: day(T0 + DAY), accepted: 1, refused: {} }
  t.strictSame(await service.usage(id), [{ ...today, day: day(T0) }, today])
  t.strictSame(await service.usage(id, { from: day(T0 + DAY) }), [today])
  t.strictSame(await service.usage(id, { to: day(T0) }), [{ ...today, day: day(T0) }])
  t.strictSame(await internalsOf(service).uses([id]), new Map([[id, [{ ...today, day: day(T0) }, today]]]))
  t.strictSame(await store.readUsage([id], 0, 40_000), [])
  await internalsOf(service).close()
})

t.test('a page does not wait for counts that a database does not take', async (t) => {
  const store = await openStore({ database: ':memory:', schema: undefined, migrate: true }, quiet)
  const silent = { ...store, saveUses: () => new Promise<void>(() => {}) }
  const service = new ApiKeys(silent, resolveOptions({}), silentLog)
  const { id, key } = await service.create('ann')
  await service.verify(key)
  service.flush().catch(() => {})
  // What waits for the database does not keep a process alive by itself.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => { clearInterval(alive); return store.close() })
  t.strictSame(await internalsOf(service).uses([id]), new Map([[id, []]]))
})

t.test('what the history and the counts are asked for is checked', async (t) => {
  const { apiKeys } = await server(t)
  const { id } = await apiKeys.create('ann')
  const code = 'FST_API_KEY_INVALID_ARGUMENT'
  for (const from of ['yesterday', '2030-13-01', '2030-02-30', '2030-1-1', 5, null, new Date(NaN), new Date(8.64e15)]) {
    await t.rejects(apiKeys.usage(id, { from: from as string }), { code, message: /^from must be a Date or a day/ })
  }
  await t.rejects(apiKeys.usage(id, { from: '2030-01-02', to: '2030-01-01' }), { code, message: /^from must be no later than to/ })
  await t.rejects(apiKeys.usage(id, { since: '2030-01-01' } as object), { code, message: /^since must be one of from, to/ })
  await t.rejects(apiKeys.usage(5 as unknown as string), { code })
  for (const query of [{ limit: 0 }, { limit: 1001 }, { cursor: 0 }, { cursor: '5' }, { keyId: '' }, { userId: 5 }, { user: 'ann' }, null, 'ann']) {
    await t.rejects(apiKeys.history(query as object), { code })
  }
})
