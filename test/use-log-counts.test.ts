import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { mock } from 'node:test'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { InternalError, UnavailableError } from '../lib/errors.js'
import type { ApiKeyOptions } from '../lib/index.js'
import { ApiKeys, internalsOf } from '../lib/keys/service.js'
import { resolveOptions } from '../lib/options.js'
import { openStore } from '../lib/store/open.js'
import { Clock, DAY, silentLog, T0 } from './helpers/app.js'
import { onEachShared } from './helpers/engines.js'
import { quiet } from './helpers/postgres.js'
import { happenings, nameOf, UseHistory } from './helpers/use-history.js'

/*
 * Counts are added where they are stored, so each must come there once: from memory or from the log, by this process or another.
 */

/** More keys than are stored each second, of which the last are disabled. */
const MANY = 600
const DISABLED = 20

/** What a process does to a database, and a way to get in between. Entries are small, so that there are several on each engine. */
async function processOn (t: Test, options: ApiKeyOptions, clock: Clock) {
  const store = await openStore({ schema: undefined, migrate: true, ...options } as Parameters<typeof openStore>[0], quiet)
  const state = { logged: 0, onLog: async () => {}, onReplace: async () => {}, afterReplace: async () => {}, onApply: async (_entry: number) => {} }
  const keys = new ApiKeys({
    ...store,
    batchSize: 200,
    async logUses (text, at) {
      await state.onLog()
      const entry = await store.logUses(text, at)
      state.logged += 1
      return entry
    },
    async replaceLogged (entries, texts, at) {
      await state.onReplace()
      const replaced = await store.replaceLogged(entries, texts, at)
      await state.afterReplace()
      return replaced
    },
    async applyLogged (entry) {
      await state.onApply(entry)
      return await store.applyLogged(entry)
    }
  }, resolveOptions({ now: clock.now, maxKeys: -1 }), silentLog)
  t.teardown(() => internalsOf(keys).close())
  return { store, keys, state }
}

/** A process that has logged uses and refusals twice, in which all keys were used, and then a half of them twice. Tells what is true. */
async function logging (t: Test, options: ApiKeyOptions) {
  const clock = new Clock()
  const process = await processOn(t, options, clock)
  const { keys, state } = process
  const made = await keys.createMany(Array.from({ length: MANY }, () => ({ userId: 'ann' })))
  for (const { id } of made.slice(-DISABLED)) await keys.update(id, { enabled: false })
  const use = async (from: number, to: number) => {
    for (const { key } of made.slice(from, to)) await keys.verify(key, { ip: '10.0.0.1' }).catch(() => {})
  }
  /** What is counted of each key, in the order of the keys, by runs of those of which it is the same: how many, then day, outcome and count. */
  const counts = async () => {
    const rows = await process.store.readUsage(made.map(({ id }) => id), 0, 30_000)
    const byKey = new Map<string, string[]>()
    for (const { keyId, day, outcome, count } of rows) byKey.set(keyId, [...byKey.get(keyId) ?? [], `${day - Math.floor(T0 / DAY)} ${outcome} ${count}`])
    const runs: [number, string][] = []
    for (const { id } of made) {
      const text = byKey.get(id)?.join(', ') ?? ''
      const last = runs.at(-1)
      if (last?.[1] === text) last[0] += 1
      else runs.push([1, text])
    }
    return runs.map(([length, text]) => `${length}: ${text}`)
  }
  // Read into the cache, so that what comes next takes no time in which a second might end.
  await use(0, MANY)
  await keys.flush()
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const second = async () => {
    const before = state.logged
    mock.timers.tick(1000)
    for (const end = performance.now() + 20_000; state.logged === before;) {
      if (performance.now() > end) throw new Error('nothing is logged')
      await nextTurn()
    }
    // A turn or two more until the timer is set again.
    for (let i = 0; i < 5; i++) await nextTurn()
  }
  await use(0, MANY)
  await second()
  clock.tick(61_000)
  await use(0, 300)
  await use(0, 300)
  await use(MANY - DISABLED, MANY)
  await second()
  return { ...process, clock, made, use, counts, second, entries: state.logged }
}

/** What is true when all of that and a third use of the first hundred keys is stored. */
const ALL = ['100: 0 accepted 5', '200: 0 accepted 4', '280: 0 accepted 2', '20: 0 FST_API_KEY_DISABLED 3']

onEachShared('counts that are logged are stored once when this process stores them', async (t, options) => {
  const { keys, made, use, counts, entries } = await logging(t, options)
  t.equal(entries, 2)
  t.strictSame(await counts(), ['580: 0 accepted 1', '20: 0 FST_API_KEY_DISABLED 1'])
  await use(0, 100)
  t.match(await keys.usage(String(made[0]?.id)), [{ accepted: 5, refused: {} }], 'what is logged, and what is not, is told too')
  t.match(await keys.usage(String(made[MANY - 1]?.id)), [{ accepted: 0, refused: { FST_API_KEY_DISABLED: 3 } }])
  t.strictSame(await counts(), ['580: 0 accepted 1', '20: 0 FST_API_KEY_DISABLED 1'])
  await keys.flush()
  t.strictSame(await counts(), ALL)
  await keys.flush()
  t.strictSame(await counts(), ALL)
})

onEachShared('where nothing can be logged any more, what was logged and what was not is stored once', async (t, options) => {
  const { keys, use, counts, state, clock, made } = await logging(t, options)
  state.onLog = async () => { throw new InternalError() }
  clock.tick(1)
  await use(0, 100)
  await keys.flush()
  t.strictSame(await counts(), ALL)
  t.match(await keys.get(String(made[99]?.id)), { lastUsedAt: new Date(clock.time) })
  await keys.flush()
  t.strictSame(await counts(), ALL)
})

onEachShared('where entries cannot be replaced any more, they are applied as they are', async (t, options) => {
  const { keys, use, counts, state } = await logging(t, options)
  state.onReplace = async () => { throw new InternalError() }
  await use(0, 100)
  await keys.flush()
  t.strictSame(await counts(), ALL)
})

onEachShared('what an answer to replacing was lost of is found by the next storing', async (t, options) => {
  const { keys, use, counts, state, made } = await logging(t, options)
  const id = String(made[0]?.id)
  state.afterReplace = async () => {
    state.afterReplace = async () => {}
    throw new UnavailableError()
  }
  await use(0, 100)
  await t.rejects(keys.flush(), { code: 'FST_API_KEY_UNAVAILABLE' })
  t.match((await internalsOf(keys).uses([id])).get(id), [{ accepted: 1 }], 'a page tells what is stored')
  t.match(await keys.usage(id), [{ accepted: 5 }])
  t.strictSame(await counts(), ALL)
})

onEachShared('while entries cannot be replaced nothing more is logged', async (t, options) => {
  const { keys, use, counts, state, second } = await logging(t, options)
  state.onReplace = async () => { throw new UnavailableError() }
  await use(0, 100)
  await t.rejects(keys.flush(), { code: 'FST_API_KEY_UNAVAILABLE' })
  const { logged } = state
  await use(0, MANY)
  mock.timers.tick(1000)
  await keys.flush()
  t.equal(state.logged, logged)
  t.strictSame(await counts(), ['100: 0 accepted 6', '200: 0 accepted 5', '280: 0 accepted 3', '20: 0 FST_API_KEY_DISABLED 4'])
  await use(0, MANY)
  await second()
  t.ok(state.logged > logged, 'and then it is again')
})

onEachShared('a page tells no count twice that another process has stored, while this one cannot write', async (t, options) => {
  const { keys, use, clock, state, made } = await logging(t, options)
  const id = String(made[0]?.id)
  const heir = await processOn(t, options, clock)
  await internalsOf(heir.keys).recover()
  state.onLog = state.onReplace = async () => { throw new UnavailableError() }
  await use(0, 100)
  t.match((await internalsOf(keys).uses([id])).get(id), [{ accepted: 5 }])
  await t.rejects(keys.usage(id), { code: 'FST_API_KEY_UNAVAILABLE' })
})

onEachShared('one entry that cannot be applied keeps back no other, and nothing more is logged meanwhile', async (t, options) => {
  const { keys, made, use, counts, state } = await logging(t, options)
  let first: number | null = null
  state.onApply = async (entry) => {
    first ??= entry
    if (entry === first) throw new InternalError()
  }
  const flushed = keys.flush()
  const told = internalsOf(keys).uses([String(made[0]?.id)])
  await t.rejects(flushed, { code: 'FST_API_KEY_INTERNAL' })
  t.match((await told).get(String(made[0]?.id)), [{ accepted: 1 }], 'also who asked before it was known')
  t.strictSame(await counts(), ['200: 0 accepted 1', '100: 0 accepted 4', '280: 0 accepted 2', '20: 0 FST_API_KEY_DISABLED 3'])
  for (const [n, accepted] of [[0, 1], [250, 4]] as const) {
    const id = String(made[n]?.id)
    t.match((await internalsOf(keys).uses([id])).get(id), [{ accepted }], 'a page does without what cannot be stored')
    await t.rejects(keys.usage(id), { code: 'FST_API_KEY_INTERNAL' })
  }
  const { logged } = state
  await use(0, MANY)
  mock.timers.tick(1000)
  const stored = ['200: 0 accepted 2', '100: 0 accepted 5', '280: 0 accepted 3', '20: 0 FST_API_KEY_DISABLED 4']
  for (const end = performance.now() + 20_000; performance.now() < end && (await counts()).join() !== stored.join();) await nextTurn()
  t.strictSame(await counts(), stored)
  t.equal(state.logged, logged)
  state.onApply = async () => {}
  await keys.flush()
  t.strictSame(await counts(), ['300: 0 accepted 5', '280: 0 accepted 3', '20: 0 FST_API_KEY_DISABLED 4'])
})

onEachShared('where entries cannot be applied any more, what none of them holds is stored, and they are once they can be', async (t, options) => {
  const { keys, use, counts, state } = await logging(t, options)
  state.onReplace = state.onApply = async () => { throw new InternalError() }
  await use(0, 100)
  await t.rejects(keys.flush(), { code: 'FST_API_KEY_INTERNAL' })
  await use(0, 100)
  await t.rejects(keys.flush(), { code: 'FST_API_KEY_INTERNAL' })
  t.strictSame(await counts(), ['100: 0 accepted 2', '480: 0 accepted 1', '20: 0 FST_API_KEY_DISABLED 1'])
  state.onApply = async () => {}
  await keys.flush()
  t.strictSame(await counts(), ['100: 0 accepted 6', '200: 0 accepted 4', '280: 0 accepted 2', '20: 0 FST_API_KEY_DISABLED 3'])
})

onEachShared('counts are stored once when another process took this one for dead, and recovered all that it had logged', async (t, options) => {
  const { keys, use, counts, clock, made, second } = await logging(t, options)
  const heir = await processOn(t, options, clock)
  await internalsOf(heir.keys).recover()
  t.strictSame(await counts(), ['300: 0 accepted 4', '280: 0 accepted 2', '20: 0 FST_API_KEY_DISABLED 3'])
  await use(0, 50)
  await second()
  clock.tick(1)
  await use(50, 100)
  await keys.flush()
  t.strictSame(await counts(), ALL)
  t.match(await heir.keys.get(String(made[99]?.id)), { lastUsedAt: new Date(clock.time) })
})

onEachShared('counts are told once when another process has stored what this one had logged', async (t, options) => {
  const { keys, clock, made } = await logging(t, options)
  const id = String(made[0]?.id)
  const heir = await processOn(t, options, clock)
  await heir.store.recoverUses(T0 + 1)
  t.match((await internalsOf(keys).uses([id])).get(id), [{ accepted: 4 }])
  t.match(await keys.usage(id), [{ accepted: 4 }])
  t.match(await heir.keys.usage(id), [{ accepted: 4 }])
})

t.test('two entries in a row that cannot be applied end a turn, and the next begins behind them', async (t) => {
  const { keys, made, state, counts } = await logging(t, { database: join(t.testdir(), 'keys.db') })
  const tried: number[] = []
  state.onApply = async (entry) => {
    tried.push(entry)
    throw new InternalError()
  }
  await t.rejects(keys.flush())
  await t.rejects(keys.flush())
  const [first, second, third, fourth] = tried
  t.equal(new Set([first, second, third]).size, 3)
  t.equal(fourth, first)
  t.equal(tried.length, 4)
  state.onApply = async () => {}
  t.match(await keys.usage(String(made[0]?.id)), [{ accepted: 4 }], 'what is asked for has them applied as soon as they can be')
  const [, , ...others] = ALL
  t.strictSame(await counts(), ['300: 0 accepted 4', ...others])
})

onEachShared('counts are stored once when another process recovered a part of what this one had logged', async (t, options) => {
  const { keys, use, counts, clock } = await logging(t, options)
  const heir = await processOn(t, options, clock)
  await heir.store.recoverUses(T0 + 1)
  t.strictSame(await counts(), ['580: 0 accepted 2', '20: 0 FST_API_KEY_DISABLED 2'], 'one of both entries')
  await use(0, 100)
  await keys.flush()
  t.strictSame(await counts(), ALL)
})

onEachShared('counts are stored once when another process recovers entries while they are stored', async (t, options) => {
  const { keys, use, counts, clock, state } = await logging(t, options)
  const heir = await processOn(t, options, clock)
  state.onApply = async () => {
    state.onApply = async () => {}
    await internalsOf(heir.keys).recover()
  }
  await use(0, 100)
  await keys.flush()
  t.strictSame(await counts(), ALL)
})

onEachShared('counts are stored once when the database fails in between', async (t, options, sql) => {
  const { keys, use, counts, state } = await logging(t, options)
  await use(0, 50)
  await sql('ALTER TABLE api_key_use_log RENAME TO aside')
  await t.rejects(keys.flush())
  await sql('ALTER TABLE aside RENAME TO api_key_use_log')
  let applied = 0
  state.onApply = async () => {
    if (++applied === 2) await sql('ALTER TABLE api_key_usage RENAME TO aside')
  }
  await t.rejects(keys.flush())
  await t.rejects(keys.flush(), 'entries that were not applied are applied first')
  t.equal(applied, 3)
  await sql('ALTER TABLE aside RENAME TO api_key_usage')
  await use(50, 100)
  await keys.flush()
  t.strictSame(await counts(), ALL)
})

onEachShared('what is only refused, and many keys of that, is counted once too', async (t, options) => {
  const { keys, counts, second, use } = await logging(t, options)
  await keys.flush()
  await keys.revokeAll('ann')
  await use(0, MANY)
  await second()
  await use(0, MANY)
  await keys.flush()
  t.strictSame(await counts(), [
    '300: 0 FST_API_KEY_REVOKED 2, 0 accepted 4', '280: 0 FST_API_KEY_REVOKED 2, 0 accepted 2', '20: 0 FST_API_KEY_DISABLED 3, 0 FST_API_KEY_REVOKED 2'
  ])
})

onEachShared('what was accepted before a day ended is counted for it, whether it is logged by then or not', async (t, options) => {
  const { keys, use, counts, clock, second } = await logging(t, options)
  await use(0, 100)
  clock.tick(DAY)
  await use(0, 10)
  await second()
  await use(0, 10)
  await keys.flush()
  const [, ...others] = ALL
  t.strictSame(await counts(), ['10: 0 accepted 5, 1 accepted 2', '90: 0 accepted 5', ...others])
})

for (const [hook, name] of [['onLog', 'logged'], ['onReplace', 'replaced']] as const) {
  onEachShared(`what cannot be ${name} while its day ends is counted for that day once it can be`, async (t, options) => {
    const { keys, use, counts, clock, state } = await logging(t, options)
    state[hook] = async () => {
      state[hook] = async () => {}
      clock.tick(DAY)
      await use(0, 10)
      throw new UnavailableError()
    }
    await use(0, 100)
    await t.rejects(keys.flush(), { code: 'FST_API_KEY_UNAVAILABLE' })
    await keys.flush()
    const [, ...others] = ALL
    t.strictSame(await counts(), ['10: 0 accepted 5, 1 accepted 1', '90: 0 accepted 5', ...others])
  })
}

t.test('whatever fails, whoever recovers what is logged, and whenever a day ends, each use and refusal is counted once, and told so at any time', async (t) => {
  const store = await openStore({ database: ':memory:', schema: undefined, migrate: true }, quiet)
  t.teardown(() => store.close())
  const made = await new ApiKeys(store, resolveOptions({ maxKeys: -1 }), silentLog).createMany(Array.from({ length: MANY }, () => ({ userId: 'ann' })))
  const ids = made.map(({ id }) => id)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  let firstDay = 0
  await fc.assert(fc.asyncProperty(happenings, async (happenings) => {
    // Days of its own, so that what others counted is not in the way.
    firstDay += 100
    const history = new UseHistory(store, ids, firstDay)
    await history.take({ kind: 'use', every: 1, from: 0 })
    await history.take({ kind: 'seconds', count: 1 })
    for (const happening of happenings) await history.happen(happening)
    await history.settle()
    t.strictSame(history.wrong, [])
    const stored = await history.stored()
    t.strictSame(new Map(stored.map((count) => [nameOf(count), count.count] as const).toSorted()), new Map([...history.happened].toSorted()))
    await store.recoverUses(Number.MAX_SAFE_INTEGER)
    t.strictSame(await history.stored(), stored, 'and nothing is left in the log')
    await history.close()
  }), { numRuns: 150 })
})
