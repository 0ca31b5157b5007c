import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mock } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { UnavailableError } from '../lib/errors.js'
import { Access } from '../lib/keys/access.js'
import { Activity } from '../lib/keys/activity.js'
import { decodeUses, encodeUses } from '../lib/store/use-log.js'
import type { Use } from '../lib/store/store.js'
import { server, T0 } from './helpers/app.js'
import { compiled } from './helpers/compiled.js'
import { onEachShared } from './helpers/engines.js'
import { accessRow, openTerms } from './helpers/rows.js'

const USER = fileURLToPath(new URL('helpers/user.js', import.meta.url))

/** More keys than are stored each second. */
const MANY = 600

const access = (n: number) => new Access('', accessRow({ id: `key ${n}`, createdAt: T0 }), openTerms, 0, 0)

/** Notes uses for a store that writes down what it is asked for, and fails while told to. */
function recorder (t: Test) {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const calls: string[] = []
  const logged: Use[][] = []
  const state = { failing: false, onLog: () => {}, calls, logged, told: 0, over: 0 }
  const attempt = (call: string) => {
    if (state.failing) throw new UnavailableError()
    calls.push(call)
  }
  const activity = new Activity({
    batchSize: 10_000,
    async saveUses (uses) { attempt(`save ${uses.length}`) },
    async saveUsage () {},
    async logUses (uses, at) {
      attempt(`log ${uses.length} at ${at}`)
      state.onLog()
      return logged.push([...uses])
    },
    async dropLogged (entries) { attempt(`drop ${entries.join(' ')}`) },
    async recoverUses (before) { attempt(`recover ${before}`) }
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
  const use = fc.record({
    keyId: fc.uuid(), at: time, ip: fc.oneof(fc.constant(null), fc.constant(''), fc.ipV4(), fc.ipV6()), previousAt: fc.option(time)
  }, { noNullPrototype: true })
  fc.assert(fc.property(fc.array(use), (uses) => { t.strictSame(decodeUses(encodeUses(uses)), uses) }), { numRuns: 50 })
})

t.test('lines of the log that are none are passed over', async (t) => {
  const [use] = decodeUses('key\t5\t-\t-\n')
  t.strictSame(use, { keyId: 'key', at: 5, ip: null, previousAt: null })
  t.strictSame(decodeUses('\nkey\nkey\t5\nkey\t5\t-\nkey\tsoon\t-\t-\nkey\t5\t-\t-'), [use])
})

t.test('the uses of many keys are logged each second, stored in the tenth, and then dropped from the log', async (t) => {
  const { activity, second, state } = recorder(t)
  const keys = Array.from({ length: 1200 }, (_, i) => access(i))
  for (const key of keys) activity.note(key, T0, '10.0.0.1')
  t.strictSame(await second(), [`log 1000 at ${T0}`, `log 200 at ${T0}`])
  t.strictSame(state.logged[1]?.at(-1), { keyId: 'key 1199', at: T0, ip: '10.0.0.1', previousAt: null })
  t.strictSame(await second(), [], 'what is logged is not logged again')
  for (const key of keys.slice(0, 5)) activity.note(key, T0 + 5, null)
  for (const key of keys.slice(0, 5)) activity.note(key, T0 + 6, null)
  t.strictSame(await second(), [`log 5 at ${T0}`], 'but what is used again is')
  t.match(state.logged[2], [{ at: T0 + 6 }])
  for (let i = 4; i < 10; i++) t.strictSame(await second(), [])
  t.strictSame(await second(), ['save 1200', 'drop 1 2 3', `recover ${T0 - 60_000}`])
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
  t.equal(state.logged.slice(1).flat().length, 1200, calls.join())
  t.ok(state.logged.slice(1).flat().every(({ at }) => at === T0 + 1))
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
  t.match(state.logged[1], [{ at: T0 + 1 }, { at: T0 + 1 }, { at: T0 + 1 }])
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
  t.strictSame(state.calls.splice(0), [`save ${MANY}`, 'drop 1'])
  t.strictSame(await second(), [], 'and what was stored is not logged')
})

t.test('so many keys that the oldest might have to be given up are stored at once', async (t) => {
  const { activity, second } = recorder(t)
  for (let i = 0; i < 99_999; i++) activity.note(access(i), T0, null)
  t.match(await second(), [/^log/])
  for (let i = 99_999; i < 100_000; i++) activity.note(access(i), T0, null)
  t.match(await second(), [/^save 10000/])
})

onEachShared('a process that is killed when its uses are logged loses none of them', async (t, options) => {
  const module = compiled(t)
  const child = fork(USER, [module, JSON.stringify(options), String(MANY)], { execArgv: [], env: { ...process.env, NODE_OPTIONS: '' } })
  const ended = once(child, 'exit')
  const [{ isLogged, from, until }] = await once(child, 'message')
  child.kill('SIGKILL')
  await ended
  t.equal(isLogged, true)
  const app = await server(t, { ...options, maxKeys: -1 })
  const keys = await app.apiKeys.list('ann')
  t.equal(keys.length, MANY)
  t.ok(keys.every(({ lastUsedAt, loggedIp }) => loggedIp === '10.0.0.1' && lastUsedAt !== null && lastUsedAt.getTime() >= from && lastUsedAt.getTime() <= until))
})
