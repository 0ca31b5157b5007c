import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { openSqliteStore } from '../lib/store/sqlite/open.js'

const FULL = 2

/** Of a key that there is not, which is written all the same. */
const USE = { keyId: 'nobody', at: 1, ip: null, previousAt: null }

/** Opens a store on a file and gives the connection that it made. */
async function open (t: Test, file: string) {
  let connection: Database.Database | undefined
  const { pragma } = Database.prototype
  const restore = t.intercept(Database.prototype, 'pragma', {
    value (this: Database.Database, ...given: Parameters<typeof pragma>) {
      connection = this
      return pragma.apply(this, given)
    }
  }).restore
  const store = await openSqliteStore(file, true)
  restore()
  if (connection === undefined) throw new Error('no connection was made')
  const ask = (pragma: string) => connection?.pragma(pragma, { simple: true })
  return { store, level: () => ask('synchronous'), patience: () => ask('busy_timeout') }
}

t.test('a change waits for the disk, on a new file and on one from before, and after uses were noted', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  for (const title of ['a new file', 'a file from before']) {
    const { store, level } = await open(t, file)
    await store.ensureProfile('ann', {}, 1)
    t.equal(level(), FULL, title)
    await store.saveUses([USE])
    t.equal(level(), FULL, `${title}, after noting uses`)
    await store.close()
  }
})

t.test('noting uses does not hold up requests while another process writes; a change waits for it as before', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const { store, patience } = await open(t, file)
  t.teardown(() => store.close())
  await store.ensureProfile('ann', {}, 1)
  const before = patience()
  const other = new Database(file)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const start = performance.now()
  await t.rejects(store.saveUses([USE]), { code: 'FST_API_KEY_UNAVAILABLE' })
  t.ok(performance.now() - start < 2000, 'it gives up well before a change would, which waits 5 seconds')
  t.equal(patience(), before)
  other.exec('COMMIT')
  await store.saveUses([USE])
  t.equal(patience(), before)
})

t.test('noting uses that fails for another reason leaves the waits as they were', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const { store, patience } = await open(t, file)
  t.teardown(() => store.close())
  const before = patience()
  const other = new Database(file)
  t.teardown(() => other.close())
  other.exec('DROP TABLE api_key_uses')
  await t.rejects(store.saveUses([USE]), { code: 'FST_API_KEY_UNAVAILABLE' })
  t.equal(patience(), before)
})

t.test('many requests with a quota do not wait one after the other while another process writes', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const { store, patience } = await open(t, file)
  t.teardown(() => store.close())
  const take = () => store.takeQuota('nobody', { max: 1, every: null }, 1)
  const before = patience()
  const other = new Database(file)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const start = performance.now()
  for (let i = 0; i < 30; i++) t.throws(take, { code: 'FST_API_KEY_UNAVAILABLE' })
  t.ok(performance.now() - start < 1500, 'where each by itself would wait a tenth of a second')
  other.exec('COMMIT')
  t.equal(take(), null, 'and the next one after the write passes')
  t.equal(patience(), before)
})
