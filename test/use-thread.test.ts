import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, Worker, type WorkerOptions } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { openStore } from '../lib/store/open.js'
import type { Store } from '../lib/store/store.js'
import { serveUses } from '../lib/store/sqlite/use-serving.js'
import type { Answer, ThreadVerbs } from '../lib/store/sqlite/use-thread.js'
import { useLine } from '../lib/store/use-log.js'
import { server, T0 } from './helpers/app.js'
import { quiet } from './helpers/postgres.js'
import { connection } from './helpers/sqlite.js'

/** So many that they are logged. */
const MANY = 600

const text = useLine({ keyId: 'nobody', at: T0, ip: null, previousAt: null }, 1, 1)

async function store (t: Test): Promise<{ file: string, store: Store }> {
  const file = join(t.testdir(), 'keys.db')
  const store = await openStore({ database: file, schema: undefined, migrate: true }, quiet)
  t.teardown(() => store.close())
  return { file, store }
}

/** Takes the write lock of a database, as another process does, and gives it back when asked. */
function lock (t: Test, file: string): () => void {
  const other = connection(t, file)
  other.exec('BEGIN IMMEDIATE')
  return () => { other.exec('COMMIT') }
}

/** The module with threads that are made otherwise. */
async function threadsBy (t: Test, Thread: unknown): Promise<typeof import('../lib/store/sqlite/use-thread.js')> {
  return await t.mockImport('../lib/store/sqlite/use-thread.js', { 'node:worker_threads': { Worker: Thread } })
}

/** Verbs that do nothing but tell that they were called. */
function direct (): ThreadVerbs & { readonly calls: unknown[][] } {
  const calls: unknown[][] = []
  const note = (...values: unknown[]) => calls.push(values)
  return {
    calls,
    logUses: async (...values) => note(...values),
    replaceLogged: async (...values) => [note(...values)],
    applyLogged: async (...values) => note(...values) > 0
  }
}

t.test('requests do not wait while the uses of a busy second wait for another process, and nothing of them is lost', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const app = await server(t, { database: file, maxKeys: -1 })
  const [first, ...others] = await app.apiKeys.createMany(Array.from({ length: MANY }, () => ({ userId: 'ann' })))
  const entries = connection(t, file).prepare('SELECT count(*) FROM api_key_use_log').pluck()
  for (const { key } of [first!, ...others]) await app.apiKeys.verify(key)
  while (Number(entries.get()) === 0) await sleep(20)

  const release = lock(t, file)
  for (const { key } of [first!, ...others]) await app.apiKeys.verify(key)
  const state = { isFlushed: false }
  const flushed = app.apiKeys.flush().then(() => { state.isFlushed = true })
  let slowest = 0
  for (const end = performance.now() + 500; performance.now() < end;) {
    const begun = performance.now()
    await app.apiKeys.verify(first!.key)
    await sleep(1)
    slowest = Math.max(slowest, performance.now() - begun)
  }
  t.equal(state.isFlushed, false)
  t.equal(slowest < 90, true, `a request took ${slowest} ms; to wait for the lock would take 100`)
  release()
  await flushed
  await app.apiKeys.flush()
  t.equal((await app.apiKeys.usage(first!.id)).reduce((sum, { accepted }) => sum + accepted, 0) > 2, true)
  t.equal((await app.apiKeys.usage(others[0]!.id)).reduce((sum, { accepted }) => sum + accepted, 0), 2)
  t.equal(Number(entries.get()), 0)
})

t.test('what the thread cannot write fails as it would without one', async (t) => {
  const { file, store: { logUses, applyLogged } } = await store(t)
  await t.rejects(logUses(null as never, T0), { code: 'FST_API_KEY_INTERNAL', cause: { name: 'SQLITE_CONSTRAINT_NOTNULL' } })
  const entry = await logUses(text, T0)
  connection(t, file).exec('ALTER TABLE api_key_use_log RENAME TO gone')
  await t.rejects(logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE', cause: { name: 'SQLITE_ERROR', message: /no such table/ } })
  connection(t, file).exec('ALTER TABLE gone RENAME TO api_key_use_log')
  t.equal(await applyLogged(entry), true, 'and goes on')
  t.equal(await applyLogged(entry), false)
})

t.test('the thread answers each task by its number', async (t) => {
  const { file } = await store(t)
  const { port1, port2 } = new MessageChannel()
  t.teardown(() => port1.close())
  const answers: Array<'ready' | Answer> = []
  port1.on('message', (answer) => answers.push(answer))
  await serveUses(port2, file)
  port1.postMessage({ number: 7, verb: 'logUses', values: [text, T0] })
  port1.postMessage({ number: 8, verb: 'replaceLogged', values: [[1], [text, text], T0] })
  port1.postMessage({ number: 9, verb: 'logUses', values: [null, T0] })
  port1.postMessage({ number: 10, verb: 'replaceLogged', values: [[1], [text], T0] })
  port1.postMessage({ number: 11, verb: 'applyLogged', values: [1] })
  port1.postMessage({ number: 12, verb: 'applyLogged', values: [2] })
  while (answers.length < 7) await sleep(5)
  connection(t, file).exec('DROP TABLE api_keys')
  port1.postMessage({ number: 13, verb: 'applyLogged', values: [3] })
  while (answers.length < 8) await sleep(5)
  t.match(answers, [
    'ready', { number: 7, result: 1 }, { number: 8, result: [2, 3] },
    { number: 9, failure: { isOutage: false, name: 'SQLITE_CONSTRAINT_NOTNULL', message: /NOT NULL/ } },
    { number: 10, result: null }, { number: 11, result: false }, { number: 12, result: true },
    { number: 13, failure: { isOutage: true, name: 'SQLITE_ERROR', message: /no such table/ } }
  ])
})

t.test('the thread makes no database where there is none any more', async (t) => {
  const { port2 } = new MessageChannel()
  await t.rejects(serveUses(port2, join(t.testdir(), 'gone.db')), { code: 'FST_API_KEY_CANNOT_OPEN' })
})

t.test('where Node allows no threads, the connection of requests logs and applies', async (t) => {
  const { UseThread } = await threadsBy(t, class { constructor () { throw new Error('Access to this API has been restricted') } })
  const here = direct()
  const { verbs } = new UseThread('keys.db', here)
  t.equal(await verbs.logUses('a', 1), 1)
  t.strictSame(await verbs.replaceLogged([1], ['b'], 2), [2])
  t.equal(await verbs.applyLogged(3), true)
  t.strictSame(here.calls, [['a', 1], [[1], ['b'], 2], [3]])
})

t.test('where the file of the thread is missing, what was asked for is done in its order', async (t) => {
  const started: Worker[] = []
  const { UseThread } = await threadsBy(t, class extends Worker {
    constructor (_url: URL, options: WorkerOptions) {
      super(new URL('missing.js', import.meta.url), options)
      started.push(this)
    }
  })
  const here = direct()
  const { verbs } = new UseThread('keys.db', here)
  t.strictSame(await Promise.all([verbs.logUses('a', 1), verbs.logUses('b', 2)]), [1, 2])
  t.equal(await verbs.logUses('c', 3), 3)
  t.strictSame(here.calls, [['a', 1], ['b', 2], ['c', 3]])
  t.equal(started.length, 1, 'it is not tried again')
})

t.test('a thread that dies at its work fails what it was asked for, and the next task starts another', async (t) => {
  const started: Worker[] = []
  const { UseThread } = await threadsBy(t, class extends Worker {
    constructor (url: URL, options: WorkerOptions) {
      super(url, options)
      started.push(this)
    }
  })
  const { file } = await store(t)
  const here = direct()
  const thread = new UseThread(file, here)
  t.teardown(() => thread.close())
  t.equal(await thread.verbs.logUses(text, T0), 1)
  const release = lock(t, file)
  const waiting = t.rejects(thread.verbs.logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE', cause: { message: 'the thread that logs uses has ended' } })
  await sleep(50)
  const dead = started[0]!.terminate()
  release()
  await Promise.all([waiting, dead])
  t.equal(await thread.verbs.logUses(text, T0) > 1, true)
  t.equal(started.length, 2)
  t.strictSame(here.calls, [], 'what may have been done already is not done again')
})

t.test('after it was closed, no thread is started', async (t) => {
  const { file, store: { logUses, close } } = await store(t)
  await logUses(text, T0)
  await close()
  await t.rejects(logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE' })
  t.equal(connection(t, file).prepare('SELECT count(*) FROM api_key_use_log').pluck().get(), 1)
})
