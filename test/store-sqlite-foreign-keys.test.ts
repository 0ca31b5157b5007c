import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { ask, Clock, DAY, server } from './helpers/app.js'

/** A server on a connection of the application's that has turned foreign keys off. */
async function careless (t: Test, safeIntegers = false) {
  const database = new Database(join(t.testdir(), 'keys.db'))
  t.teardown(() => database.close())
  database.defaultSafeIntegers(safeIntegers)
  database.pragma('foreign_keys = OFF')
  const clock = new Clock()
  const app = await server(t, { database, now: clock.now })
  const tables = ['api_key_uses', 'api_key_usage', 'api_key_history']
  /** The keys that there are rows of, table by table. */
  const owners = () => tables.map((table) => database.prepare(`SELECT DISTINCT key_id FROM ${table} WHERE key_id IS NOT NULL ORDER BY 1`).pluck().all())
  return { app, clock, database, owners }
}

t.test('pruning leaves nothing of a key where the application has turned foreign keys off', async (t) => {
  const { app, clock, owners } = await careless(t)
  const { apiKeys } = app
  const [dead, live] = [await apiKeys.create('ann'), await apiKeys.create('ann')]
  for (const { key } of [dead, live]) t.equal((await ask(app, key)).status, 200)
  await apiKeys.flush()
  await apiKeys.revoke(dead.id)
  t.strictSame(owners(), [[dead.id, live.id], [dead.id, live.id], [dead.id, live.id]])
  clock.tick(30 * DAY)
  t.equal(await apiKeys.prune({ olderThan: '30d' }), 1)
  t.strictSame(owners(), [[live.id], [live.id], [live.id]])
})

for (const safeIntegers of [false, true]) {
  t.test(`nothing is noted of a key that is gone, where foreign keys are off${safeIntegers ? ' and numbers are BigInts' : ''}`, async (t) => {
    const { app, clock, database, owners } = await careless(t, safeIntegers)
    const { apiKeys } = app
    const [refused, deleted, live] = [await apiKeys.create('ann'), await apiKeys.create('ann'), await apiKeys.create('ann')]
    await apiKeys.revoke(refused.id)
    clock.tick(30 * DAY)
    t.strictSame((await Promise.all([refused, deleted, live].map(({ key }) => ask(app, key)))).map(({ status }) => status), [401, 200, 200])
    t.equal(await apiKeys.prune({ olderThan: '30d' }), 1)
    database.prepare('DELETE FROM api_keys WHERE id = ?').run(deleted.id)
    await apiKeys.flush()
    t.strictSame(owners().slice(0, 2), [[live.id], [live.id]])
    t.match(await apiKeys.usage(live.id), [{ accepted: 1 }])
  })
}
