import { once } from 'node:events'
import { mock } from 'node:test'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { InternalError, UnavailableError } from '../lib/errors.js'
import { Access } from '../lib/keys/access.js'
import { Activity } from '../lib/keys/activity.js'
import { ApiKeys, internalsOf } from '../lib/keys/service.js'
import { resolveOptions } from '../lib/options.js'
import { openStore } from '../lib/store/open.js'
import { countLine, decodeEntry, useLine, useLines, type Entry, recover } from '../lib/store/use-log.js'
import { ERROR, Log, server, silentLog, T0 } from './helpers/app.js'
import { compiled } from './helpers/compiled.js'
import { onEachShared } from './helpers/engines.js'
import { quiet } from './helpers/postgres.js'
import { forkNode } from './helpers/processes.js'
import { accessRow, openTerms } from './helpers/rows.js'
import { connection } from './helpers/sqlite.js'

const USER = fileURLToPath(new URL('helpers/user.js', import.meta.url))

/** More keys than are stored each second. */
const MANY = 600

const access = (n: number) => new Access(accessRow({ id: `key ${n}`, createdAt: T0 }), openTerms, 0, 0)

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** Notes uses for a store that writes down what it is asked for, and fails while told to. */
function recorder (t: Test) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[] = []
  const logged: Entry[] = []
  const state = { failing: false, isLogging: true, onLog: () => {}, onRecover: async () => {}, calls, logged, told: 0, over: 0 }
  const attempt = (call: string) => {
    if (state.failing) throw new UnavailableError()
    calls.push(call)
  }
  const activity = new Activity({
    batchSize: 10_000,
    async saveUses (uses) { attempt(`save ${uses.length}`) },
    async saveUsage () {},
    async logUses (text, at) {
      if (!state.isLogging) throw new InternalError()
      const entry = decodeEntry(text)
      attempt(`log ${entry.uses.length} at ${at}`)
      state.onLog()
      return logged.push(entry)
    },
    async replaceLogged (entries, texts) {
      attempt(`replace ${entries.join(' ')} by ${texts.map((text) => decodeEntry(text).uses.length).join(' ')}`)
      return texts.map((text) => logged.push(decodeEntry(text)))
    },
    async applyLogged (entry) {
      attempt(`apply ${entry}`)
      return true
    },
    async countLogged (entries) { return entries.length },
    async recoverUses (before) {
      attempt(`recover ${before}`)
      await state.onRecover()
    },
    isOpen: () => true
  }, { writeFailed () { state.told += 1 }, writeRecovered () { state.over += 1 } }, () => T0)
  const second = async () => {
    mock.timers.tick(1000)
    for (let i = 0; i < 250; i++) await new Promise(setImmediate)
    return calls.splice(0)
  }
  return { state, activity, second }
}

t.test('what is written to the log is read from it', async (t) => {
  const time = fc.integer({ min: 1, max: 8.64e15 })
  const [keyId, day, count] = [fc.uuid(), fc.nat(), fc.integer({ min: 1, max: 2 ** 53 - 1 })]
  const ip = fc.oneof(fc.constant(null), fc.constant(''), fc.ipV4(), fc.ipV6())
  const used = fc.record({ use: fc.record({ keyId, at: time, ip, previousAt: fc.option(time) }, { noNullPrototype: true }), accepted: fc.oneof(fc.constant(0), count), day })
  const counts = fc.array(fc.record({ keyId, day, outcome: fc.constantFrom('accepted', 'FST_API_KEY_REVOKED'), count }, { noNullPrototype: true }))
  fc.assert(fc.property(fc.array(used), counts, (used, counts) => {
    const text = used.map(({ use, accepted, day }) => useLine(use, accepted, day)).join('') + counts.map(countLine).join('')
    const accepted = used.filter(({ accepted }) => accepted > 0).map(({ use: { keyId }, accepted, day }) => ({ keyId, day, outcome: 'accepted', count: accepted }))
    t.strictSame(decodeEntry(text), { uses: used.map(({ use }) => use), counts: [...accepted, ...counts] })
  }), { numRuns: 50 })
})

t.test('the lines of many uses are read as those of each would be, whatever their times and addresses are', async (t) => {
  const day = 20_000
  const at = fc.oneof(fc.integer({ min: T0, max: T0 + 100 }), fc.integer({ min: 0, max: 8.64e15 }), fc.constantFrom(8.65e15, 1e20))
  const ip = fc.constantFrom(null, '', '10.0.0.1', '10.0.0.2', '::1')
  const use = fc.record({ keyId: fc.uuid(), at, ip, previousAt: fc.option(fc.nat()) }, { noNullPrototype: true })
  fc.assert(fc.property(fc.array(fc.tuple(use, fc.nat(3)), { maxLength: 10 }), (used) => {
    const uses = used.map(([use]) => use)
    const accepted = used.map(([, count]) => count)
    t.strictSame(decodeEntry(useLines(uses, accepted, day)), decodeEntry(used.map(([use, count]) => useLine(use, count, day)).join('')))
  }), { numRuns: 300 })
  const text = useLines(Array.from({ length: 1000 }, (_, i) => ({ keyId: `key ${i}`, at: T0 + i, ip: '10.0.0.1', previousAt: null })), Array(1000).fill(1), day)
  t.equal(text.length < 30_000, true, 'what is the same in all lines is written once')
})

t.test('an address that reads as a mark of the log is logged as one that is not known', async (t) => {
  const uses = ['10.0.0.1', '-', '"', '"', null].map((ip) => ({ keyId: 'key', at: T0, ip, previousAt: null }))
  const { uses: read } = decodeEntry(useLines(uses, uses.map(() => 0), 1))
  t.strictSame(read.map(({ ip }) => ip), ['10.0.0.1', '', '', '', null])
})

t.test('lines that count from one before them are passed over where there is none', async (t) => {
  t.strictSame(decodeEntry('key\t+5\t"\t-\t1\t"\nkey\t+5\t-\t-\t1\t1'), { uses: [], counts: [] })
  t.strictSame(decodeEntry('key\t5\t-\t-\t1\t1\nkey\t-6\t-\t-\t1\t1\nkey\t+8640000000000000\t-\t-\t1\t1\nkey\t++1\t-\t-\t1\t1').uses.length, 1)
})

t.test('lines of the log that are none are passed over, and uses without counts from an earlier version are read', async (t) => {
  const use = { keyId: 'key', at: 5, ip: null, previousAt: null }
  t.strictSame(decodeEntry('key\t5\t-\t-\n'), { uses: [use], counts: [] })
  const { uses, counts } = decodeEntry('key\t99999999999999999999\t-\t-\nkey\t5\t-\t99999999999999999999')
  t.strictSame({ uses, counts }, { uses: [use], counts: [] }, 'nor are times that no database takes')
  t.strictSame(decodeEntry('\nkey\nkey\t5\nkey\t5\t-\nkey\tsoon\t-\t-\nkey\t5\t-\t-').uses, [use])
  t.strictSame(decodeEntry('key\t+\nkey\t+\t5\nkey\t+\t5\tWHY\nkey\t+\t-\tWHY\t1\nkey\t+\t5\tWHY\t-1\nkey\t+\t5\tWHY\t9007199254740993'), { uses: [], counts: [] })
  t.strictSame(decodeEntry('key\t5\t-\t-\t1\nkey\t5\t-\t-\t1\t2147483648\nkey\t5\t-\t-\t1e3\t1'), { uses: [use, use, use], counts: [] })
})

t.test('the uses of many keys are logged each second, and in the tenth replaced by fewer entries and stored', async (t) => {
  const { activity, second, state } = recorder(t)
  const keys = Array.from({ length: 1200 }, (_, i) => access(i))
  for (const key of keys) activity.note(key, T0, '10.0.0.1')
  t.strictSame(await second(), [`log 1000 at ${T0}`, `log 200 at ${T0}`])
  t.strictSame(state.logged[1]?.uses.at(-1), { keyId: 'key 1199', at: T0, ip: '10.0.0.1', previousAt: null })
  t.strictSame(await second(), [], 'what is logged is not logged again')
  for (const key of keys.slice(0, 5)) activity.note(key, T0 + 5, null)
  for (const key of keys.slice(0, 5)) activity.note(key, T0 + 6, null)
  t.strictSame(await second(), [`log 5 at ${T0}`], 'but what is used again is')
  t.match(state.logged[2], { uses: [{ at: T0 + 6 }] })
  for (let i = 4; i < 10; i++) t.strictSame(await second(), [])
  t.strictSame(await second(), ['replace 1 2 3 by 1200', 'apply 4', `recover ${T0 - 60_000}`])
  for (let i = 0; i < 12; i++) t.strictSame(await second(), [], 'then it rests')
  activity.note(access(1), T0 + 7, null)
  t.strictSame(await second(), ['save 1'], 'few are stored at once')
})

t.test('when fewer keys are used than before, what was logged is stored at once', async (t) => {
  const { activity, second } = recorder(t)
  for (let i = 0; i < MANY; i++) activity.note(access(i), T0, null)
  await second()
  await activity.flush()
  activity.note(access(1), T0, null)
  t.strictSame((await second()).slice(-1), ['save 1'])
})

t.test('what cannot be logged is logged later, and told once', async (t) => {
  const { activity, second, state } = recorder(t)
  const keys = Array.from({ length: 1200 }, (_, i) => access(i))
  for (const key of keys) activity.note(key, T0, null)
  state.onLog = () => { state.failing = true }
  t.strictSame(await second(), [`log 1000 at ${T0}`])
  for (const key of keys) activity.note(key, T0 + 1, null)
  t.strictSame(await second(), [])
  t.equal(state.told, 1)
  state.failing = false
  state.onLog = () => {}
  const calls = await second()
  t.equal(state.logged.slice(1).flatMap(({ uses }) => uses).length, 1200, calls.join())
  t.ok(state.logged.slice(1).flatMap(({ uses }) => uses).every(({ at }) => at === T0 + 1))
  t.equal(state.over, 0, 'nothing is stored yet')
  await activity.flush()
  t.equal(state.over, 1)
})

t.test('a use that comes while its key is logged is logged with the next', async (t) => {
  const { activity, second, state } = recorder(t)
  const keys = Array.from({ length: MANY }, (_, i) => access(i))
  for (const key of keys) activity.note(key, T0, null)
  state.onLog = () => {
    state.onLog = () => {}
    for (const key of keys.slice(0, 3)) activity.note(key, T0 + 1, null)
  }
  t.strictSame(await second(), [`log ${MANY} at ${T0}`])
  t.strictSame(await second(), [`log 3 at ${T0}`])
  t.match(state.logged[1]?.uses, [{ at: T0 + 1 }, { at: T0 + 1 }, { at: T0 + 1 }])
})

t.test('what cannot be stored stays in the log', async (t) => {
  const { activity, second, state } = recorder(t)
  const keys = Array.from({ length: MANY }, (_, i) => access(i))
  for (const key of keys) activity.note(key, T0, null)
  await second()
  state.failing = true
  await t.rejects(activity.flush())
  state.failing = false
  state.calls.length = 0
  for (const key of keys) activity.note(key, T0 + 1, null)
  await activity.flush()
  t.strictSame(state.calls.splice(0), ['apply 1', `save ${MANY}`])
  t.strictSame(await second(), [], 'and what was stored is not logged')
})

t.test('what was logged of many keys is gone from the log when they are stored', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const app = await server(t, { database: file, maxKeys: -1 })
  const entries = connection(t, file).prepare('SELECT count(*) FROM api_key_use_log').pluck()
  const made = await app.apiKeys.createMany(Array.from({ length: MANY }, () => ({ userId: 'ann' })))
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  for (const { key } of made) await app.apiKeys.verify(key)
  mock.timers.tick(1000)
  // By a thread that is still starting.
  while (Number(entries.get()) === 0) await new Promise(setImmediate)
  t.equal(Number(entries.get()), 1)
  await app.apiKeys.flush()
  t.equal(Number(entries.get()), 0)
})

t.test('so many keys that the oldest might have to be given up are stored at once', async (t) => {
  const { activity, second } = recorder(t)
  for (let i = 0; i < 99_999; i++) activity.note(access(i), T0, null)
  t.match(await second(), [/^log/])
  for (let i = 99_999; i < 100_000; i++) activity.note(access(i), T0, null)
  t.match(await second(), [/^log 1 at/, /^replace .* by 10000 10000 10000 10000 10000 10000 10000 10000 10000 10000$/, ...Array(10).fill(/^apply/)])
})

t.test('two secrets of one key that are used by turns take no more memory the more often, and are logged once', async (t) => {
  const { activity, second, state } = recorder(t)
  for (let i = 0; i < MANY; i++) activity.note(access(i), T0, null)
  const [present, previous] = [access(1), access(1)]
  for (let i = 0; i < 1000; i++) activity.note(i % 2 === 0 ? present : previous, T0 + i, null)
  t.strictSame(await second(), [`log ${MANY} at ${T0}`])
  t.strictSame(state.logged[0]?.uses.filter(({ keyId }) => keyId === 'key 1').map(({ at }) => at), [T0 + 999])
})

t.test('a key that is read anew again and again is logged by the newest reading alone', async (t) => {
  const { activity, second, state } = recorder(t)
  for (let i = 0; i <= 1000; i++) activity.note(access(1), T0 + i, null)
  for (let i = 2; i < MANY; i++) activity.note(access(i), T0, null)
  t.strictSame(await second(), [`log ${MANY - 1} at ${T0}`])
  t.match(state.logged[0], { uses: [{ keyId: 'key 1', at: T0 + 1000 }], counts: [{ keyId: 'key 1', count: 1001 }] })
})

t.test('what was read anew or given up is not held while the database cannot be written', async (t) => {
  const { activity, second, state } = recorder(t)
  state.failing = true
  const gone: WeakRef<Access>[] = []
  for (let i = 0; i < 1000; i++) {
    const read = access(1)
    activity.note(read, T0 + i, null)
    gone.push(new WeakRef(read))
  }
  await second()
  collectGarbage()
  t.ok(gone.filter((read) => read.deref() !== undefined).length < 10)
})

t.test('an outage is not over because there is nothing to log', async (t) => {
  const { activity, second, state } = recorder(t)
  for (let i = 0; i < MANY; i++) activity.note(access(i), T0, null)
  await second()
  state.failing = true
  for (let i = 1; i < 25; i++) await second()
  t.strictSame([state.told, state.over], [1, 0])
  state.failing = false
  for (let i = 0; i < 10; i++) await second()
  t.strictSame([state.told, state.over], [1, 1])
})

t.test('where only the log cannot be written, the uses of many keys are stored each second', async (t) => {
  const { activity, second, state } = recorder(t)
  state.isLogging = false
  for (let n = 1; n < 3; n++) {
    for (let i = 0; i < MANY; i++) activity.note(access(i), T0 + n, null)
    t.strictSame(await second(), [`save ${MANY}`])
  }
  t.equal(state.told, 0)
})

t.test('a logout is logged too, whatever the clock says', async (t) => {
  const { activity, second, state } = recorder(t)
  for (let i = 0; i < MANY; i++) activity.note(access(i), T0, '10.0.0.1')
  await second()
  activity.logout('key 7')
  await second()
  t.strictSame(state.logged[1], { uses: [{ keyId: 'key 7', at: T0, ip: null, previousAt: null }], counts: [] })
})

t.test('what cannot be recovered is told at the start, and keeps nothing else from being written', async (t) => {
  const { activity, second, state } = recorder(t)
  state.onRecover = () => Promise.reject(new UnavailableError())
  await activity.recover()
  t.equal(state.told, 1)
  activity.note(access(1), T0, null)
  await activity.flush()
  for (let i = 0; i < 21; i++) {
    activity.note(access(1), T0 + i, null)
    await second()
  }
  t.strictSame([state.told, state.over], [1, 0])
})

t.test('what is recovered for long holds up nothing that is written, is not begun a second time, and may be interrupted', async (t) => {
  const { activity, second, state } = recorder(t)
  let interrupt = (_error: Error) => {}
  state.onRecover = () => new Promise((_resolve, reject) => { interrupt = reject })
  const recovered = activity.recover()
  t.strictSame(state.calls.splice(0), [`recover ${Number.MAX_SAFE_INTEGER}`])
  for (let i = 0; i < 10; i++) {
    activity.note(access(1), T0 + i, null)
    t.strictSame(await second(), ['save 1'])
  }
  await activity.close()
  interrupt(new UnavailableError())
  await recovered
  t.equal(state.told, 0)
  state.onRecover = async () => {}
  await activity.recover()
  t.equal(state.calls.length, 1, 'and is begun again later')
})

t.test('a start waits two seconds for what is to be recovered, and no longer', async (t) => {
  const store = await openStore({ database: ':memory:', schema: undefined, migrate: true }, quiet)
  t.teardown(() => store.close())
  const service = new ApiKeys({ ...store, recoverUses: () => new Promise(() => {}) }, resolveOptions({}), silentLog)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  let isStarted = false
  internalsOf(service).recover().then(() => { isStarted = true })
  mock.timers.tick(1999)
  await new Promise(setImmediate)
  t.notOk(isStarted)
  mock.timers.tick(1)
  await new Promise(setImmediate)
  t.ok(isStarted)
})

t.test('an entry that is not even a text is recovered as what it can be read as', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const first = await server(t, { database })
  const { id } = await first.apiKeys.create('ann')
  const client = connection(t, database)
  for (const uses of ['\xff\n', `${id}\t${T0}\t-\t-\n`]) client.prepare('INSERT INTO api_key_use_log (at, uses) VALUES (0, ?)').run(Buffer.from(uses, 'latin1'))
  const log = new Log()
  const second = await server(t, { database }, log)
  t.match(await second.apiKeys.get(id), { lastUsedAt: new Date(T0) })
  t.equal(client.prepare('SELECT 1 FROM api_key_use_log').get(), undefined)
  t.strictSame(log.messages(ERROR), [])
})

t.test('an entry that cannot be applied keeps no others from being recovered, two in a row do', async (t) => {
  const tried: number[] = []
  const recovering = (failing: readonly number[]) => recover(() => [1, 2, 3, 4, 5], async (entry) => {
    tried.push(entry)
    if (failing.includes(entry)) throw new Error(`${entry}`)
    return true
  })
  await t.rejects(recovering([2, 4]), { message: '2' })
  t.strictSame(tried.splice(0), [1, 2, 3, 4, 5])
  await t.rejects(recovering([2, 3]), { message: '2' })
  t.strictSame(tried, [1, 2, 3])
})

onEachShared('of what a process that is killed had logged, last uses and counts, nothing is missing after the next start', async (t, options) => {
  const disabled = 50
  const child = forkNode(USER, compiled(t), JSON.stringify(options), String(MANY), String(disabled))
  const ended = once(child, 'exit')
  const [{ isLogged, from, until, rounds }] = await once(child, 'message')
  child.kill('SIGKILL')
  await ended
  t.equal(isLogged, true)
  const app = await server(t, { ...options, maxKeys: -1 })
  const keys = await app.apiKeys.list('ann')
  t.equal(keys.length, MANY)
  const used = keys.filter(({ enabled }) => enabled)
  t.equal(used.length, MANY - disabled)
  t.ok(used.every(({ lastUsedAt, loggedIp }) => loggedIp === '10.0.0.1' && lastUsedAt !== null && lastUsedAt.getTime() >= from && lastUsedAt.getTime() <= until))
  const counts = new Set<string>()
  // One after the other, since each takes a connection.
  for (const { id, enabled } of keys) {
    const sums = (await app.apiKeys.usage(id)).map(({ accepted, refused }) => [accepted, refused['FST_API_KEY_DISABLED'] ?? 0])
    counts.add(`${enabled} ${sums.reduce((sum, [accepted = 0]) => sum + accepted, 0)} ${sums.reduce((sum, [, refused = 0]) => sum + refused, 0)}`)
  }
  t.strictSame(counts, new Set([`true ${rounds + 1} 0`, `false 0 ${rounds + 1}`]))
})
