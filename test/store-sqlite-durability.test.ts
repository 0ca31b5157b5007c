import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { openSqliteStore } from '../lib/store/sqlite/open.js'

const FULL = 2

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
  return { store, level: () => connection?.pragma('synchronous', { simple: true }) }
}

t.test('a change waits for the disk, on a new file and on one from before, and after uses were noted', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  for (const title of ['a new file', 'a file from before']) {
    const { store, level } = await open(t, file)
    await store.ensureProfile('ann', {}, 1)
    t.equal(level(), FULL, title)
    await store.saveLastAccesses([{ profileId: 1, at: 1 }])
    t.equal(level(), FULL, `${title}, after noting uses`)
    await store.close()
  }
})
