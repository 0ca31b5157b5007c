import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { mock } from 'node:test'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { InternalError, UnavailableError } from '../lib/errors.js'
import type { ApiKeyOptions } from '../lib/index.js'
import { Access } from '../lib/keys/access.js'
import { Activity } from '../lib/keys/activity.js'
import { ApiKeys, internalsOf } from '../lib/keys/service.js'
import { resolveOptions } from '../lib/options.js'
import { openStore } from '../lib/store/open.js'
import { Clock, DAY, silentLog, T0 } from './helpers/app.js'
import { onEachShared } from './helpers/engines.js'
import { quiet } from './helpers/postgres.js'
import { accessRow, openTerms } from './helpers/rows.js'

/*
 * Counts are added where they are stored, so each must come there once: from memory or from the log, by this process or another.
 */

/** More keys than are stored each second, of which the last are disabled. */
const MANY = 600
const DISABLED = 20

/** What a process does to a database, and a way to get in between. Entries are small, so that there are several on each engine. */
async function processOn (t: Test, options: ApiKeyOptions, clock: Clock) {
  const store = await openStore({ schema: undefined, migrate: true, ...options } as Parameters<typeof openStore>[0], quiet)
  const state = { logged: 0, onLog: async () => {}, onReplace: async () => {}, onApply: async (_entry: number) => {} }
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
      return await store.replaceLogged(entries, texts, at)
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

/** What happens in a random history, in which a key is used by two objects, as it is in rotation: each step begins when what the one before wrote is written, or in the middle of that. */
type Step =
  | { readonly kind: 'use' | 'other' | 'refuse', readonly every: number, readonly from: number }
  | { readonly kind: 'seconds' | 'days' | 'failures', readonly count: number }
  /** The counts are asked for of a database that takes so many turns before and after it has read. */
  | { readonly kind: 'look', readonly turns: number }
  /** What was logged until so many steps ago is recovered by another. */
  | { readonly kind: 'recover', readonly ago: number }
  | { readonly kind: 'flush' }
  /** The answer of the database to the next entry that is applied, or replaced, does not arrive. */
  | { readonly kind: 'lost' }

t.test('whatever fails, whoever recovers what is logged, and whenever a day ends, each use and refusal is counted once, and told so at any time', async (t) => {
  const store = await openStore({ database: ':memory:', schema: undefined, migrate: true }, quiet)
  t.teardown(() => store.close())
  const made = await new ApiKeys(store, resolveOptions({ maxKeys: -1 }), silentLog).createMany(Array.from({ length: MANY }, () => ({ userId: 'ann' })))
  const ids = made.map(({ id }) => id)
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  const some = { every: fc.constantFrom(1, 1, 1, 3), from: fc.nat({ max: 50 }) }
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('use', 'other', 'refuse'), ...some }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('seconds'), count: fc.constantFrom(1, 1, 2, 11) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('days'), count: fc.constantFrom(1, 1, -1) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('failures'), count: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('recover'), ago: fc.nat({ max: 4 }) }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('look'), turns: fc.nat({ max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('flush', 'lost') }) }
  )
  const history = fc.array(fc.record({ step, isMeanwhile: fc.boolean() }), { minLength: 5, maxLength: 25 })
  let firstDay = 0
  await fc.assert(fc.asyncProperty(history, async (history) => {
    // Days of its own, so that what others counted is not in the way.
    firstDay += 100
    let now = (firstDay + 50) * DAY
    let failures = 0
    let isLost = false
    let hasLost = false
    const meanwhile: Step[] = []
    const happened = new Map<string, number>()
    const accesses = made.map(({ id }) => [1, 2].map(() => new Access(accessRow({ id }), openTerms, 0, 0)))
    /** A verb of a database that may be failing, and which takes a while. */
    const verb = <A extends unknown[], R>(write: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
      await nextTurn()
      if (failures > 0) {
        failures -= 1
        throw new UnavailableError()
      }
      const result = await write(...args)
      const [step] = meanwhile.splice(0, 1)
      if (step !== undefined) await take(step)
      await nextTurn()
      return result
    }
    const losing = <A extends unknown[], R>(write: (...args: A) => Promise<R>) => verb(async (...args: A): Promise<R> => {
      const result = await write(...args)
      if (!isLost) return result
      isLost = false
      throw new UnavailableError()
    })
    const { saveUses, saveUsage, logUses, replaceLogged, applyLogged, countLogged, recoverUses } = store
    const activity = new Activity({
      batchSize: 150,
      saveUses: verb(saveUses),
      saveUsage: verb(saveUsage),
      logUses: verb(logUses),
      replaceLogged: losing(replaceLogged),
      applyLogged: losing(applyLogged),
      countLogged: verb(countLogged),
      recoverUses
    }, silentLog, () => now)
    /** What was told of too much or too little. */
    const wrong: string[] = []
    const looks: Promise<void>[] = []
    async function look (turns: number): Promise<void> {
      const before = new Map(happened)
      const wait = async () => { for (let i = 0; i < turns; i++) await nextTurn() }
      const told = await activity.counted(ids, firstDay, firstDay + 99, async () => {
        await wait()
        const stored = await verb(store.readUsage)(ids, firstDay, firstDay + 99)
        await wait()
        return stored
      }).catch(() => null)
      const sums = new Map<string, number>()
      for (const { keyId, day, outcome, count } of told ?? []) sums.set(`${keyId} ${day} ${outcome}`, (sums.get(`${keyId} ${day} ${outcome}`) ?? 0) + count)
      for (const [name, sum] of sums) if (sum > Number(happened.get(name))) wrong.push(`${name}: ${sum}, not ${happened.get(name)}`)
      // Entries of which nobody knows, since the answer to their making was lost, are missing until somebody recovers them.
      if (told !== null && !hasLost) for (const [name, least] of before) if (Number(sums.get(name) ?? 0) < least) wrong.push(`${name}: ${sums.get(name)}, not ${least}`)
    }
    const count = (access: Access, outcome: string) => {
      const name = `${access.user.keyId} ${Math.floor(now / DAY)} ${outcome}`
      happened.set(name, (happened.get(name) ?? 0) + 1)
    }
    async function take (step: Step): Promise<void> {
      now += 1
      if (step.kind === 'days') now += step.count * DAY
      else if (step.kind === 'failures') failures = step.count
      else if (step.kind === 'recover') await store.recoverUses(now - step.ago)
      else if (step.kind === 'lost') isLost = hasLost = true
      // It waits for what is written, in the middle of which it may begin.
      else if (step.kind === 'look') looks.push(look(step.turns))
      else if (step.kind === 'flush') activity.flush().catch(() => {})
      else if ('from' in step) for (let i = step.from; i < MANY; i += step.every) touch(step.kind, i)
      else if (step.kind === 'seconds') for (let i = 0; i < step.count; i++) await second()
    }
    function touch (kind: 'use' | 'refuse' | 'other', i: number): void {
      const access = accesses[i]?.[kind === 'other' ? 1 : 0] as Access
      count(access, kind === 'refuse' ? 'WHY' : 'accepted')
      if (kind === 'refuse') activity.refuse(access.user.keyId, now, 'WHY')
      else activity.note(access, now, '10.0.0.1')
    }
    async function second (): Promise<void> {
      mock.timers.tick(1000)
      for (let i = 0; i < 60; i++) await nextTurn()
    }
    await take({ kind: 'use', every: 1, from: 0 })
    await take({ kind: 'seconds', count: 1 })
    for (const { step, isMeanwhile } of history) {
      if (isMeanwhile && step.kind !== 'seconds') meanwhile.push(step)
      else await take(step)
    }
    failures = 0
    isLost = false
    meanwhile.length = 0
    await activity.flush()
    await Promise.all(looks)
    t.strictSame(wrong, [])
    // What was replaced, and nobody knows of, is left for whoever recovers it.
    if (history.some(({ step }) => step.kind === 'lost')) await store.recoverUses(Number.MAX_SAFE_INTEGER)
    const stored = await store.readUsage(ids, firstDay, firstDay + 99)
    t.strictSame(new Map(stored.map(({ keyId, day, outcome, count }) => [`${keyId} ${day} ${outcome}`, count] as const).toSorted()), new Map([...happened].toSorted()))
    await store.recoverUses(Number.MAX_SAFE_INTEGER)
    t.strictSame(await store.readUsage(ids, firstDay, firstDay + 99), stored, 'and nothing is left in the log')
    await activity.close()
  }), { numRuns: 150 })
})
