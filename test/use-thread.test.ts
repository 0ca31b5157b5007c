import { EventEmitter, once } from 'node:events'
import { copyFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { MessageChannel, Worker, type WorkerOptions } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { openStore } from '../lib/store/open.js'
import type { Store } from '../lib/store/store.js'
import { StepLock } from '../lib/store/sqlite/step-lock.js'
import { serveUses } from '../lib/store/sqlite/use-serving.js'
import { stopThreads, UseThread } from '../lib/store/sqlite/use-thread.js'
import { identify, type Answer, type FileIdentity, type Start, type Task, type ThreadVerbs } from '../lib/store/sqlite/use-tasks.js'
import { useLine } from '../lib/store/use-log.js'
import { server, T0 } from './helpers/app.js'
import { compiled } from './helpers/compiled.js'
import { quiet } from './helpers/postgres.js'
import { startNode } from './helpers/processes.js'
import { connection } from './helpers/sqlite.js'

/** So many that they are logged. */
const MANY = 600

const text = useLine({ keyId: 'nobody', at: T0, ip: null, previousAt: null }, 1, 1)

const identityOf = (file: string) => identify(file) as FileIdentity

/** Waits until the next thread that this process starts has opened its database. */
async function readyThread (): Promise<Worker> {
  // Neither the thread nor the timer of what waits to be written keeps the process.
  const kept = setInterval(() => {}, 1000)
  const [worker] = await once(process, 'worker') as [Worker]
  await once(worker, 'message')
  clearInterval(kept)
  return worker
}

async function open (t: Test): Promise<{ file: string, store: Store }> {
  const file = join(t.testdir(), 'keys.db')
  const store = await openStore({ database: file, schema: undefined, migrate: true }, quiet)
  t.teardown(() => store.close())
  return { file, store }
}

/** A store whose thread works. */
async function threaded (t: Test): Promise<{ file: string, store: Store, worker: Worker }> {
  const opened = await open(t)
  const [worker] = await Promise.all([readyThread(), opened.store.logUses(text, T0)])
  return { ...opened, worker }
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

/** Verbs that do nothing but note how they were called. */
function noting (): ThreadVerbs & { readonly calls: unknown[][] } {
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
  const made = await app.apiKeys.createMany(Array.from({ length: MANY }, () => ({ userId: 'ann' })))
  const [first, second] = made as [typeof made[0], typeof made[0]]
  const entries = connection(t, file).prepare('SELECT count(*) FROM api_key_use_log').pluck()
  const useAll = async () => { for (const { key } of made) await app.apiKeys.verify(key) }
  await Promise.all([readyThread(), useAll()])
  t.equal(Number(entries.get()) > 0, true)

  const release = lock(t, file)
  await useAll()
  const state = { isFlushed: false }
  const flushed = app.apiKeys.flush().then(() => { state.isFlushed = true })
  let slowest = 0
  for (const end = performance.now() + 500; performance.now() < end;) {
    const begun = performance.now()
    await app.apiKeys.verify(first.key)
    await sleep(1)
    slowest = Math.max(slowest, performance.now() - begun)
  }
  t.equal(state.isFlushed, false)
  t.equal(slowest < 90, true, `a request took ${slowest} ms; to wait for the lock would take 100`)
  release()
  await flushed
  await app.apiKeys.flush()
  const acceptedOf = async (id: string) => (await app.apiKeys.usage(id)).reduce((sum, { accepted }) => sum + accepted, 0)
  t.equal(await acceptedOf(first.id) > 2, true)
  t.equal(await acceptedOf(second.id), 2)
  t.equal(Number(entries.get()), 0)
})

t.test('what the thread cannot write fails as it would without one', async (t) => {
  const { file, store: { logUses, applyLogged } } = await threaded(t)
  await t.rejects(logUses(null as never, T0), { code: 'FST_API_KEY_INTERNAL', cause: { name: 'SQLITE_CONSTRAINT_NOTNULL' } })
  const entry = await logUses(text, T0)
  connection(t, file).exec('ALTER TABLE api_key_use_log RENAME TO gone')
  await t.rejects(logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE', cause: { name: 'SQLITE_ERROR', message: /no such table/ } })
  connection(t, file).exec('ALTER TABLE gone RENAME TO api_key_use_log')
  t.equal(await applyLogged(entry), true, 'and goes on')
  t.equal(await applyLogged(entry), false)
})

t.test('the thread answers tasks by their numbers, waits for the writes of others, and does nothing once it is stopped', async (t) => {
  const { file } = await open(t)
  const steps = StepLock.create()
  const { port1, port2 } = new MessageChannel()
  t.teardown(() => port1.close())
  const answers: Array<'ready' | Answer> = []
  port1.on('message', (answer) => answers.push(answer))
  await serveUses(port2, { file, identity: identityOf(file), shared: steps.shared })
  async function answersTo (...tasks: Array<Pick<Task, 'verb' | 'values'>>): Promise<Array<'ready' | Answer>> {
    tasks.forEach((task, number) => port1.postMessage({ ...task, number }))
    while (answers.length < tasks.length) await sleep(5)
    return answers.splice(0)
  }
  while (answers.length === 0) await sleep(5)
  t.strictSame(answers.splice(0), ['ready'])
  t.match(await answersTo(
    { verb: 'logUses', values: [text, T0] },
    { verb: 'replaceLogged', values: [[1], [text, text], T0] },
    { verb: 'replaceLogged', values: [[1], [text], T0] },
    { verb: 'applyLogged', values: [1] },
    { verb: 'applyLogged', values: [2] },
    { verb: 'logUses', values: [null, T0] }
  ), [
    { number: 0, result: 1 }, { number: 1, result: [2, 3] }, { number: 2, result: null }, { number: 3, result: false }, { number: 4, result: true },
    { number: 5, hasFailed: true }
  ])
  const release = lock(t, file)
  setTimeout(release, 100)
  t.match(await answersTo({ verb: 'applyLogged', values: [3] }), [{ result: true }])
  const releaseLate = lock(t, file)
  t.match(await answersTo({ verb: 'logUses', values: [text, T0] }), [{ hasFailed: true }])
  releaseLate()
  steps.stop()
  port1.postMessage({ number: 9, verb: 'logUses', values: [text, T0] })
  await sleep(50)
  t.strictSame(answers, [])
})

t.test('the thread makes no database where there is none any more, and takes no other that has its name', async (t) => {
  const { port2 } = new MessageChannel()
  const { file } = await open(t)
  const start = { file, identity: identityOf(file), shared: StepLock.create().shared }
  copyFileSync(file, `${file}.copy`)
  renameSync(`${file}.copy`, file)
  await t.rejects(serveUses(port2, start), { code: 'FST_API_KEY_CANNOT_OPEN', message: /another file has taken its place/ })
  await t.rejects(serveUses(port2, { ...start, file: `${file}.gone` }), { code: 'FST_API_KEY_CANNOT_OPEN' })
})

t.test('what the thread may not write is tried by the connection of requests', async (t) => {
  const { file } = await open(t)
  const direct = noting()
  const thread = new UseThread(file, direct)
  t.teardown(() => thread.close())
  await Promise.all([readyThread(), thread.verbs.logUses('until it is ready', T0)])
  t.equal(await thread.verbs.applyLogged(1), false, 'by the thread, which finds none')
  const other = connection(t, file)
  other.exec('ALTER TABLE api_key_use_log RENAME TO gone')
  t.equal(await thread.verbs.applyLogged(1), true, 'by the other')
  t.strictSame(direct.calls, [['until it is ready', T0], [1]])
})

t.test('what another write kept the thread from for long is tried by the connection of requests', async (t) => {
  const { file } = await open(t)
  const direct = noting()
  const thread = new UseThread(file, direct)
  t.teardown(() => thread.close())
  await Promise.all([readyThread(), thread.verbs.logUses('until it is ready', T0)])
  t.equal(await thread.verbs.logUses(text, T0), 1, 'by the thread')
  const release = lock(t, file)
  t.equal(await thread.verbs.logUses('kept', T0), 2, 'by the other')
  release()
  t.strictSame(direct.calls, [['until it is ready', T0], ['kept', T0]])
})

t.test('where Node allows no threads, the connection of requests logs and applies', async (t) => {
  const { UseThread } = await threadsBy(t, class { constructor () { throw new Error('Access to this API has been restricted') } })
  const direct = noting()
  const { verbs } = new UseThread((await open(t)).file, direct)
  t.equal(await verbs.logUses('a', 1), 1)
  t.strictSame(await verbs.replaceLogged([1], ['b'], 2), [2])
  t.equal(await verbs.applyLogged(3), true)
  t.strictSame(direct.calls, [['a', 1], [[1], ['b'], 2], [3]])
})

t.test('where it cannot be told which file the database is, the connection of requests logs and applies', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  // The driver leaves out what stands at the end of it.
  const store = await openStore({ database: `${file}\n`, schema: undefined, migrate: true }, quiet)
  t.teardown(() => store.close())
  const onWorker = () => t.fail('a thread has started')
  process.on('worker', onWorker)
  t.teardown(() => process.off('worker', onWorker))
  t.equal(await store.applyLogged(await store.logUses(text, T0)), true)
  t.equal(connection(t, file).prepare('SELECT count(*) FROM api_key_use_log').pluck().get(), 0)
})

t.test('where the file of the thread is missing, the connection of requests goes on, and it is not tried again', async (t) => {
  const started: Worker[] = []
  const { UseThread } = await threadsBy(t, class extends Worker {
    constructor (_url: URL, options: WorkerOptions) {
      super(new URL('missing.js', import.meta.url), options)
      started.push(this)
    }
  })
  const direct = noting()
  const thread = new UseThread((await open(t)).file, direct)
  t.strictSame(await Promise.all([thread.verbs.logUses('a', 1), thread.verbs.logUses('b', 2)]), [1, 2])
  while (started[0]!.threadId !== -1) await sleep(5)
  t.equal(await thread.verbs.logUses('c', 3), 3)
  t.strictSame(direct.calls, [['a', 1], ['b', 2], ['c', 3]])
  t.equal(started.length, 1)
  await thread.close()
})

t.test('a thread that dies at its work fails what it was asked for, and the connection of requests goes on', async (t) => {
  const { file, store, worker } = await threaded(t)
  const release = lock(t, file)
  const waiting = t.rejects(store.logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE', cause: { message: 'the thread that logs uses has ended' } })
  await sleep(50)
  worker.emit('message', { number: 99, result: 'of something that nobody waits for any more' } satisfies Answer)
  await worker.terminate()
  await waiting
  release()
  const entry = await store.logUses(text, T0)
  t.equal(await store.applyLogged(entry), true)
})

t.test('after it was closed nothing is logged, also by a thread that was still starting', async (t) => {
  const { file, store: { logUses, close } } = await open(t)
  await logUses(text, T0)
  await close()
  await t.rejects(logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE' })
  t.equal(connection(t, file).prepare('SELECT count(*) FROM api_key_use_log').pluck().get(), 1)
})

t.test('a thread that is closed while it waits for another process ends at once, and tells who waits', async (t) => {
  const { file, store } = await threaded(t)
  lock(t, file)
  const waiting = t.rejects(store.logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE' })
  await sleep(50)
  const begun = performance.now()
  await store.close()
  t.equal(performance.now() - begun < 500, true)
  await waiting
})

t.test('a thread is not ended before the step is over that it has begun', async (t) => {
  const steps: StepLock[] = []
  const { UseThread } = await threadsBy(t, class extends EventEmitter {
    readonly unref = () => {}
    readonly terminate = async () => {}
    constructor (_url: URL, { workerData }: { workerData: Start }) {
      super()
      steps.push(new StepLock(workerData.shared))
    }
  })
  const thread = new UseThread((await open(t)).file, noting())
  await thread.verbs.logUses('a', 1)
  t.equal(steps[0]?.enter(), true)
  const begun = performance.now()
  await thread.close()
  t.equal(performance.now() - begun > 900, true, 'it never is, and so all of the patience was needed')
})

t.test('before a process exits its threads are stopped, and what they are asked for then is not done', async (t) => {
  t.equal(process.listeners('exit').includes(stopThreads), true)
  const { file, store } = await threaded(t)
  stopThreads()
  const waiting = t.rejects(store.logUses(text, T0), { code: 'FST_API_KEY_UNAVAILABLE' })
  await sleep(50)
  await store.close()
  await waiting
  t.equal(connection(t, file).prepare('SELECT count(*) FROM api_key_use_log').pluck().get(), 1)
})

t.test('a step that never ends is not waited for for ever', async (t) => {
  const steps = StepLock.create()
  t.equal(steps.enter(), true)
  const begun = performance.now()
  steps.stop()
  t.equal(Math.round((performance.now() - begun) / 100), 10)
  steps.leave()
  t.equal(steps.enter(), false, 'and none begins after it')
})

t.test('a process leaves as it means to while its thread waits for another process, starts, or has nothing to do', async (t) => {
  const lib = compiled(t).replace(/index\.js$/, '')
  const leaver = fileURLToPath(new URL('./helpers/leaver.js', import.meta.url))
  const folder = fileURLToPath(new URL('.', lib))
  const codes = { exit: 3, throw: 1, close: 0, rest: 0, work: 0 }
  const runs = Object.entries(codes).flatMap(([how, code]) => [1, 2, 3].map((n) => ({ how, code, file: join(folder, `${how}${n}.db`) })))
  for (const { how, code, file } of runs) {
    const begun = performance.now()
    const child = startNode([leaver, lib, file, how])
    const [exit] = await once(child, 'exit')
    t.equal(exit, code, how)
    t.equal(performance.now() - begun < 10_000, true)
  }
})
