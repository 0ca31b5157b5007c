import { mock } from 'node:test'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { InternalError, UnavailableError } from '../lib/errors.js'
import { Access } from '../lib/keys/access.js'
import { Activity } from '../lib/keys/activity.js'
import type { DayCount } from '../lib/store/bookkeeping.js'
import type { AccessRow } from '../lib/store/rows.js'
import type { Use } from '../lib/store/store.js'
import { decodeEntry, type Entry } from '../lib/store/use-log.js'
import { ask, Clock, DAY, ERROR, INFO, Log, server, T0 } from './helpers/app.js'
import { freshSchema } from './helpers/postgres.js'
import { accessRow, openTerms, profileRow } from './helpers/rows.js'
import { connection, spyingDatabase } from './helpers/sqlite.js'

const nextTurn = () => new Promise(setImmediate)

function keyRow (n: number): AccessRow {
  return accessRow({ id: `key ${n}`, profileId: n % 3, createdAt: T0 })
}

/** A key as it is kept for requests. */
const access = (n: number) => new Access(keyRow(n), openTerms, 0, 0)

/** Notes uses for a store that keeps what it is given, and fails while told to. */
function recorder () {
  const events: unknown[] = []
  const saved: Use[][] = []
  const counts: DayCount[] = []
  const logged: Entry[] = []
  const replacing: Entry[] = []
  const state = { failing: false, isOpen: true, events, saved, onSave: async () => {}, onCount: async () => {}, counts, logged }
  const activity = new Activity({
    batchSize: 100,

    async saveUses (uses) {
      await state.onSave()
      if (state.failing) throw new UnavailableError()
      saved.push([...uses])
    },
    async saveUsage (batch) {
      await state.onCount()
      if (state.failing) throw new UnavailableError()
      counts.push(...batch)
    },
    async logUses (text) {
      if (state.failing) throw new UnavailableError()
      return logged.push(decodeEntry(text))
    },
    async replaceLogged (_entries, texts) {
      if (state.failing) throw new UnavailableError()
      return texts.map((text) => replacing.push(decodeEntry(text)))
    },
    async applyLogged (entry) {
      if (state.failing) throw new UnavailableError()
      saved.push(replacing[entry - 1]?.uses ?? [])
      counts.push(...replacing[entry - 1]?.counts ?? [])
      return true
    },
    async countLogged (entries) { return entries.length },
    async recoverUses () {},
    isOpen: () => state.isOpen
  }, {
    writeFailed: (error) => events.push(error instanceof Error && 'code' in error ? error.code : error),
    writeRecovered: (lost) => events.push(lost)
  }, () => T0 + 100_000)
  return { state, activity }
}

t.test('nothing is written on the path of a request', async (t) => {
  const { database, statements } = spyingDatabase(t)
  const app = await server(t, { database })
  const { key } = await app.apiKeys.create('ann')
  statements.length = 0
  for (let i = 0; i < 5; i++) t.equal((await ask(app, key)).status, 200)
  t.ok(statements.length > 0 && statements.every((statement) => /^select /i.test(statement)), statements.join('\n'))
  await app.apiKeys.flush()
  t.equal(statements.filter((statement) => /^insert into "api_key_uses"/i.test(statement)).length, 1, 'and then once for all of them')
})

t.test('within the process the last use shows at once, on disk when it is flushed', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const clock = new Clock()
  const app = await server(t, { database, now: clock.now })
  const client = connection(t, database)
  const { id, key } = await app.apiKeys.create('ann')
  clock.tick(5)
  await ask(app, key)
  const seen = { lastUsedAt: new Date(T0 + 5), loggedIp: '127.0.0.1' }
  t.match(await app.apiKeys.get(id), seen)
  t.match(await app.apiKeys.list('ann'), [seen])
  t.match(await app.apiKeys.identify(key), seen)
  t.equal(client.prepare('SELECT 1 FROM api_key_uses').get(), undefined)
  await app.apiKeys.flush()
  t.match(client.prepare('SELECT last_used_at, logged_ip FROM api_key_uses').get(), { last_used_at: T0 + 5, logged_ip: '127.0.0.1' })
  t.match(await app.apiKeys.get(id), seen)
})

t.test('closing the server writes what was noted', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const clock = new Clock()
  const app = await server(t, { database, now: clock.now })
  const { key } = await app.apiKeys.create('ann')
  await ask(app, key)
  await app.close()
  t.match(connection(t, database).prepare('SELECT last_used_at FROM api_key_uses').get(), { last_used_at: T0 })
})

t.test('closing the server writes what was noted also when another process writes for a moment', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const app = await server(t, { database, now: () => T0 })
  const { key } = await app.apiKeys.create('ann')
  await ask(app, key)
  const client = connection(t, database)
  client.exec('BEGIN IMMEDIATE')
  const closed = app.close()
  await sleep(300)
  client.exec('COMMIT')
  await closed
  t.match(client.prepare('SELECT last_used_at FROM api_key_uses').get(), { last_used_at: T0 })
})

t.test('at shutdown it is tried for two seconds to write what is left, and no longer', async (t) => {
  for (const [failing, tries] of [[true, 2], [false, 1]] as const) {
    const { state, activity } = recorder()
    let tried = 0
    state.onSave = async () => {
      tried += 1
      if (!failing) throw new InternalError()
    }
    state.failing = failing
    activity.note(access(1), T0, null)
    const begun = performance.now()
    await activity.close()
    t.ok(failing ? tried >= tries : tried === tries, `${tried} tries`)
    t.ok(failing ? performance.now() - begun >= 2000 : performance.now() - begun < 1000)
    t.equal(state.events.length, 1)
  }
})

t.test('a database that is closed already is not tried again at shutdown', async (t) => {
  const { state, activity } = recorder()
  state.failing = true
  state.isOpen = false
  activity.note(access(1), T0, null)
  const begun = performance.now()
  await activity.close()
  t.ok(performance.now() - begun < 1000)
})

t.test('what an application closed before the server is not waited for', async (t) => {
  const { url, schema } = await freshSchema(t)
  const { default: pg } = await import('pg')
  const { default: Database } = await import('better-sqlite3')
  const client = new Database(':memory:')
  const pool = new pg.Pool({ connectionString: url })
  for (const [options, close] of [[{ database: client }, async () => client.close()], [{ database: pool, schema }, async () => await pool.end()]] as const) {
    const app = await server(t, options)
    const { key } = await app.apiKeys.create('ann')
    await ask(app, key)
    await close()
    const begun = performance.now()
    await app.close()
    t.ok(performance.now() - begun < 1500)
  }
})

t.test('what is noted after the end is not written, and wakes nobody', async (t) => {
  const { state, activity } = recorder()
  await activity.close()
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  activity.note(access(1), T0, null)
  mock.timers.tick(10_000)
  await nextTurn()
  t.strictSame(state.saved, [])
})

t.test('uses are written a second after the first of them, in batches, and the timer rests when there are none', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { state, activity } = recorder()
  for (let i = 0; i < 250; i++) activity.note(access(i), T0, '10.0.0.1')
  mock.timers.tick(999)
  await nextTurn()
  t.strictSame(state.saved, [])
  mock.timers.tick(1)
  for (let i = 0; i < 10; i++) await nextTurn()
  t.strictSame(state.saved.map(({ length }) => length), [100, 100, 50])
  mock.timers.tick(5000)
  for (let i = 0; i < 10; i++) await nextTurn()
  t.equal(state.saved.length, 3, 'nothing to write, nothing written')
  activity.note(access(0), T0 + 1, '10.0.0.1')
  mock.timers.tick(1000)
  for (let i = 0; i < 10; i++) await nextTurn()
  t.equal(state.saved.length, 4)
})

t.test('what is noted while a batch is being written is written with the next', async (t) => {
  const { state, activity } = recorder()
  const key = access(1)
  activity.note(key, T0, '10.0.0.1')
  state.onSave = async () => { activity.note(key, T0 + 5, '10.0.0.2') }
  await activity.flush()
  state.onSave = async () => {}
  t.match(activity.ofKey(keyRow(1)), { lastUsedAt: T0 + 5, loggedIp: '10.0.0.2' })
  await activity.flush()
  await activity.flush()
  t.strictSame(state.saved.map(([use]) => [use?.at, use?.ip]), [[T0, '10.0.0.1'], [T0 + 5, '10.0.0.2']])
})

t.test('a key that is read anew carries on what was noted of it', async (t) => {
  const { state, activity } = recorder()
  const [before, after] = [access(1), access(1)]
  activity.note(before, T0, '10.0.0.1')
  activity.note(after, T0 + 1, '10.0.0.2')
  t.strictSame([before.isWaiting, after.isWaiting], [false, true])
  await activity.flush()
  t.strictSame(state.saved, [[{ keyId: 'key 1', at: T0 + 1, ip: '10.0.0.2', previousAt: null }]])
})

t.test('times only move forward, in whatever order uses are noted', async (t) => {
  const uses = fc.array(fc.record({ key: fc.constantFrom(0, 1, 2), at: fc.integer({ min: 1, max: 50 }), ip: fc.ipV4() }), { maxLength: 40 })
  await fc.assert(fc.asyncProperty(uses, async (uses) => {
    const { state, activity } = recorder()
    const keys = [access(0), access(1), access(2)] as const
    for (const { key, at, ip } of uses) activity.note(keys[key], at, ip)
    for (const key of [0, 1, 2]) {
      const of = uses.filter((use) => use.key === key)
      const newest = of.length === 0 ? null : Math.max(...of.map(({ at }) => at))
      t.equal(activity.ofKey(keyRow(key)).lastUsedAt, newest)
      const [profile] = activity.ofProfiles([profileRow({ id: key })])
      t.equal(profile?.lastAccessAt, newest)
    }
    await activity.flush()
    for (const use of state.saved.flat()) t.equal(use.ip, uses.findLast(({ key, at }) => `key ${key}` === use.keyId && at === use.at)?.ip)
  }), { numRuns: 30 })
})

t.test('what is stored wins over an older use that is noted', async (t) => {
  const { activity } = recorder()
  activity.note(access(1), T0, '10.0.0.1')
  const row = { ...keyRow(1), lastUsedAt: T0 + 5, loggedIp: '10.0.0.5' }
  t.equal(activity.ofKey(row), row)
  const profile = profileRow({ lastAccessAt: T0 + 5 })
  t.strictSame(activity.ofProfiles([profile]), [profile])
})

t.test('an outage is told once and its end once, and nothing that was noted is lost', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { state, activity } = recorder()
  state.failing = true
  activity.note(access(1), T0, '10.0.0.1')
  for (let i = 0; i < 5; i++) {
    mock.timers.tick(1000)
    for (let i = 0; i < 5; i++) await nextTurn()
  }
  await t.rejects(activity.flush(), { code: 'FST_API_KEY_UNAVAILABLE' })
  activity.note(access(2), T0 + 1, '10.0.0.2')
  t.strictSame(state.events, ['FST_API_KEY_UNAVAILABLE'])
  state.failing = false
  mock.timers.tick(1000)
  for (let i = 0; i < 5; i++) await nextTurn()
  t.strictSame(state.events, ['FST_API_KEY_UNAVAILABLE', 0])
  t.strictSame(state.saved.flat().map(({ keyId }) => keyId), ['key 1', 'key 2'])
  state.failing = true
  activity.note(access(1), T0 + 2, '10.0.0.1')
  await t.rejects(activity.flush())
  t.equal(state.events.length, 3, 'the next outage is told again')
  await activity.close()
  t.equal(state.events.length, 3)
})

t.test('memory is bounded while the database cannot be written: the oldest uses are given up and counted', async (t) => {
  const { state, activity } = recorder()
  state.failing = true
  const oldest = access(0)
  activity.note(oldest, T0, '10.0.0.1')
  for (let i = 1; i < 200_010; i++) activity.note(access(i), T0, '10.0.0.1')
  await t.rejects(activity.flush())
  t.equal(oldest.isWaiting, false)
  t.equal(activity.ofKey(keyRow(0)).lastUsedAt, null)
  t.equal(activity.ofKey(keyRow(10)).lastUsedAt, T0)
  activity.note(oldest, T0 + 1, '10.0.0.1')
  t.equal(oldest.isWaiting, true, 'a use that was given up can be noted anew')
  state.failing = false
  await activity.flush()
  t.equal(state.saved.flat().length, 200_000)
  t.strictSame(state.events, ['FST_API_KEY_UNAVAILABLE', 11])
})

t.test('a failing database is logged once, requests go on, and the uses come when it is back', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const log = new Log()
  const clock = new Clock()
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(file, { timeout: 0 })
  t.teardown(() => database.close())
  const app = await server(t, { database, now: clock.now }, log)
  const { id, key } = await app.apiKeys.create('ann')
  const client = connection(t, file)
  client.exec('BEGIN IMMEDIATE')
  for (let i = 0; i < 3; i++) {
    t.equal((await ask(app, key)).status, 200)
    await t.rejects(app.apiKeys.flush(), { code: 'FST_API_KEY_UNAVAILABLE', message: 'API keys cannot be checked at the moment' })
  }
  t.equal(log.messages(ERROR).length, 1)
  t.match(log.messages(ERROR), [/^the last use of API keys cannot be written/])
  t.match(log.lines.find(({ level }) => level === ERROR), { err: { code: 'FST_API_KEY_UNAVAILABLE', stack: /SQLITE_BUSY/ } })
  client.exec('COMMIT')
  await app.apiKeys.flush()
  t.match(log.lines.at(-1), { level: INFO, msg: 'the last use of API keys is written again', lost: 0 })
  t.match(client.prepare('SELECT last_used_at FROM api_key_uses WHERE key_id = ?').get(id), { last_used_at: T0 })
})

t.test('a logout ends a login that is noted and not yet written, before and after the write', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const clock = new Clock()
  const app = await server(t, { database, now: clock.now })
  const client = connection(t, database)
  const ip = () => client.prepare('SELECT logged_ip FROM api_key_uses').get()
  const { id, key } = await app.apiKeys.create('ann')
  let logouts = 0
  app.apiKeys.on('apiUserLoggedOut', () => logouts++)
  await ask(app, key)
  await app.apiKeys.logout(id)
  t.equal(logouts, 1)
  await app.apiKeys.flush()
  t.match(await app.apiKeys.get(id), { loggedIp: null, lastUsedAt: new Date(T0) })
  t.match(ip(), { logged_ip: null })
  await ask(app, key)
  await app.apiKeys.flush()
  t.match(ip(), { logged_ip: '127.0.0.1' })
  await app.apiKeys.logout(id)
  await app.apiKeys.logout(id)
  t.equal(logouts, 2)
  t.match(ip(), { logged_ip: null })
})

t.test('uses that another process has not yet written do not undo a logout', async (t) => {
  const database = join(t.testdir(), 'keys.db')
  const clock = new Clock()
  const one = await server(t, { database, now: clock.now })
  const two = await server(t, { database, now: clock.now })
  const { id, key } = await one.apiKeys.create('ann')
  await ask(two, key)
  clock.tick(1)
  await one.apiKeys.logout(id)
  await two.apiKeys.flush()
  t.match(await one.apiKeys.get(id), { loggedIp: null, lastUsedAt: new Date(T0) })
  clock.tick(1)
  await ask(two, key)
  await two.apiKeys.flush()
  t.match(await one.apiKeys.get(id), { loggedIp: '127.0.0.1', lastUsedAt: new Date(T0 + 2) })
})

t.test('uses are counted for the day they belong to, and counts that cannot be written are kept', async (t) => {
  const { state, activity } = recorder()
  const midnight = Math.ceil(T0 / DAY) * DAY
  const day = midnight / DAY
  const [one, again] = [access(1), access(1)]
  activity.note(one, midnight - 1, null)
  activity.note(one, midnight, null)
  activity.note(again, midnight + 1, null)
  activity.refuse('key 1', midnight - 1, 'WHY')
  state.failing = true
  await t.rejects(activity.flush())
  activity.note(again, midnight + 2, null)
  activity.refuse('key 1', midnight - 1, 'WHY')
  state.failing = false
  state.onCount = async () => { state.failing = true; state.onCount = async () => {} }
  await t.rejects(activity.flush())
  t.strictSame(state.counts, [])
  state.failing = false
  await activity.flush()
  t.strictSame(state.counts.map(({ day, outcome, count }) => `${day} ${outcome} ${count}`).sort(), [
    `${day - 1} WHY 2`, `${day - 1} accepted 1`, `${day} accepted 3`
  ])
  await activity.flush()
  t.equal(state.counts.length, 3, 'and none is written twice')
})

t.test('a use that is noted while its key is written is counted too', async (t) => {
  const { state, activity } = recorder()
  const key = access(1)
  activity.note(key, T0, null)
  state.onSave = async () => { activity.note(key, T0, null); state.onSave = async () => {} }
  await activity.flush()
  await activity.flush()
  t.equal(state.counts.reduce((sum, { count }) => sum + count, 0), 2)
})

t.test('keys are written in the order of their ids, however many were used', async (t) => {
  const { state, activity } = recorder()
  const ids = Array.from({ length: 4950 }, (_, i) => (i * 7919) % 4950)
  for (const i of ids) activity.note(access(i), T0, null)
  await activity.flush()
  t.strictSame(state.saved.flat().map(({ keyId }) => keyId), ids.map((i) => `key ${i}`).sort())
  t.ok(state.saved.every(({ length }, i) => length === (i < 49 ? 100 : 50)))
})

t.test('a use that is given up while others are written is not written', async (t) => {
  const { state, activity } = recorder()
  for (let i = 0; i < 150; i++) activity.note(access(i), T0, null)
  state.onSave = async () => {
    state.onSave = async () => {}
    for (let i = 150; i < 200_150; i++) activity.note(access(i), T0 + 1, null)
  }
  await activity.flush()
  t.strictSame(state.saved.map(({ length }) => length), [100])
})

t.test('a few counts are stored every second, many logged and stored every tenth, and the timer rests when there are none left', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const { state, activity } = recorder()
  const second = async () => {
    mock.timers.tick(1000)
    for (let i = 0; i < 20; i++) await nextTurn()
    return state.counts.splice(0)
  }
  activity.note(access(1), T0, null)
  activity.note(access(1), T0, null)
  t.match(await second(), [{ keyId: 'key 1', outcome: 'accepted', count: 2 }])
  activity.note(access(1), T0, null)
  for (let i = 0; i < 500; i++) activity.refuse(`key ${i}`, T0, 'WHY')
  for (let i = 2; i < 10; i++) t.strictSame(await second(), [])
  t.equal(state.logged.flatMap(({ counts }) => counts).length, 501)
  t.equal(state.logged.length, 1)
  t.equal((await second()).length, 501)
  for (let i = 0; i < 20; i++) t.strictSame(await second(), [])
  t.equal(state.saved.flat().length, 2)
})

t.test('memory for counts is bounded while the database cannot be written', async (t) => {
  const { state, activity } = recorder()
  state.failing = true
  for (let i = 0; i < 200_010; i++) activity.refuse(`key ${i}`, T0, 'WHY')
  activity.refuse('key 0', T0, 'WHY')
  await t.rejects(activity.flush())
  state.failing = false
  await activity.flush()
  t.equal(state.counts.length, 200_000)
  t.equal(state.counts.find(({ keyId }) => keyId === 'key 0')?.count, 2)
})
