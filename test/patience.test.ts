import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { ApiKeys, internalsOf } from '../lib/keys/service.js'
import { resolveOptions } from '../lib/options.js'
import { openStore } from '../lib/store/open.js'
import type { Store } from '../lib/store/store.js'
import { silentLog } from './helpers/app.js'
import { quiet } from './helpers/postgres.js'

/** Lets everything happen that is not waited for by a timer. */
async function settle (): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
}

/** A service with five noted uses, whose store takes one of them at a time, each when the test says so. */
async function slowlySaving (t: Test) {
  const opened = await openStore({ database: ':memory:', schema: undefined, migrate: true }, quiet)
  const answers: (() => void)[] = []
  const state = { saved: 0, isClosed: false }
  const store: Store = {
    ...opened,
    batchSize: 1,
    async saveUses (uses) {
      await new Promise<void>((resolve) => answers.push(resolve))
      await opened.saveUses(uses)
      state.saved += uses.length
    },
    async close () {
      state.isClosed = true
    }
  }
  t.teardown(() => opened.close())
  const service = new ApiKeys(store, resolveOptions({}), silentLog)
  for (const { key } of await service.createMany(Array.from({ length: 5 }, () => ({ userId: 'ann' })))) await service.verify(key)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  return { service, state, answer: () => answers.shift()?.() }
}

t.test('closing waits for a slow database as long as it takes something every two seconds', async (t) => {
  const { service, state, answer } = await slowlySaving(t)
  const closed = internalsOf(service).close()
  for (let i = 0; i < 5; i++) {
    await settle()
    mock.timers.tick(1999)
    await settle()
    t.notOk(state.isClosed)
    answer()
  }
  await closed
  t.strictSame(state, { saved: 5, isClosed: true })
})

t.test('closing gives up on a database that takes nothing for two seconds', async (t) => {
  const { service, state, answer } = await slowlySaving(t)
  const closed = internalsOf(service).close()
  await settle()
  answer()
  await settle()
  for (let i = 0; i < 2; i++) {
    t.notOk(state.isClosed)
    mock.timers.tick(2000)
    await settle()
  }
  await closed
  t.strictSame(state, { saved: 1, isClosed: true })
})
