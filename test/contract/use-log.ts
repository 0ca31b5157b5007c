import { setImmediate as nextTurn } from 'node:timers/promises'
import type { KeyRow } from '../../lib/store/rows.js'
import type { Store } from '../../lib/store/store.js'
import { countLine, useLine } from '../../lib/store/use-log.js'
import { T0 } from '../helpers/app.js'
import { counted, draft, insert, keyId, use, type StoreTest } from '../helpers/store.js'

/** How every store must keep what was used until it is counted. */
export function useLogContract (test: StoreTest): void {
  test('uses and counts that are logged are stored when they are recovered, and no entry twice', async (t, store, connect) => {
    const { keys: [key, other] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    const heir = await connect()
    const refused = countLine({ keyId: keyId(2), day: 6, outcome: 'REVOKED', count: 4 })
    const first = await store.logUses(useLine(use(key, T0 + 1, '10.0.0.1', T0), 2, 7) + useLine(use(other, T0 + 2, null), 0, 7) + refused, T0 + 100)
    const gone = useLine({ keyId: keyId(99), at: T0, ip: null, previousAt: null }, 1, 7) + countLine({ keyId: keyId(99), day: 7, outcome: 'REVOKED', count: 1 })
    const second = await store.logUses(useLine(use(key, T0 + 3, '10.0.0.2'), 3, 7) + gone, T0 + 200)
    t.not(first, second)
    t.match(await store.getKey(keyId(1)), { lastUsedAt: null })
    await heir.recoverUses(T0 + 200)
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 1, loggedIp: '10.0.0.1', previousUsedAt: T0 })
    t.match(await store.getKey(keyId(2)), { lastUsedAt: T0 + 2, loggedIp: null })
    t.strictSame(await counted(store, 1, 2), ['1 7 accepted 2', '2 6 REVOKED 4'])
    await store.logoutKey(keyId(1), T0 + 10)
    await Promise.all([heir.recoverUses(T0 + 201), store.recoverUses(T0 + 201)])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 3, loggedIp: null }, 'a logout from after it stays')
    t.strictSame(await counted(store, 1, 2, 99), ['1 7 accepted 5', '2 6 REVOKED 4'])
    t.not(await store.logUses('', T0), second, 'no number is given again')
  })

  test('of two that apply an entry one does, and a key that comes in it several times is counted each time', async (t, store, connect) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    const heir = await connect()
    const again = countLine({ keyId: keyId(1), day: 7, outcome: 'accepted', count: 10 })
    const entries = await Promise.all([1, 2, 3, 4].map((i) => store.logUses(useLine(use(key, T0 + i, null), 1, 7) + useLine(use(key, T0, null), 2, 7) + again, T0)))
    const applied = await Promise.all(entries.flatMap((entry) => [store.applyLogged(entry), heir.applyLogged(entry)]))
    t.equal(applied.filter((isApplied) => isApplied).length, 4)
    t.strictSame(await counted(store, 1), ['1 7 accepted 52'])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 4 })
    t.equal(await store.applyLogged(Number(entries[0])), false)
  })

  test('processes that apply entries with the same keys in any order at once wait for each other in vain never', async (t, store, connect) => {
    const { keys } = await insert(store, Array.from({ length: 50 }, (_, i) => draft('ann', i)))
    const stores = [store, await connect(), await connect()]
    const lines = keys.map((key) => useLine(use(key, T0, null, T0), 1, 7))
    const entries = await Promise.all(Array.from({ length: 30 }, (_, i) => store.logUses((i % 2 === 0 ? lines : lines.toReversed()).join(''), T0)))
    await Promise.all(entries.map((entry, i) => (stores[i % 3] as Store).applyLogged(entry)))
    t.strictSame(await counted(store, 0, 49), ['0 7 accepted 30', '49 7 accepted 30'])
  })

  test('entries of the log are replaced when all of them are there, or else left as they are', async (t, store) => {
    const { keys: [key, other] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    const log = (key: KeyRow | undefined, at: number) => store.logUses(useLine(use(key, at, null), 1, 7), T0)
    const entries = [await log(key, T0 + 1), await log(other, T0 + 1), await log(key, T0 + 2)]
    const texts = [useLine(use(key, T0 + 2, null), 5, 7), useLine(use(other, T0 + 1, null), 7, 7)]
    const replaced = await store.replaceLogged(entries, texts, T0 + 1)
    t.strictSame([await store.countLogged(entries), await store.countLogged([...replaced ?? [], ...entries]), await store.countLogged([])], [0, replaced?.length, 0])
    t.equal(await store.replaceLogged(entries, texts, T0), null)
    t.equal(await store.replaceLogged([Number(replaced?.[0]), Number(entries[0])], texts, T0), null)
    await store.recoverUses(T0 + 1)
    t.strictSame(await counted(store, 1, 2), [], 'the old ones are gone, and the new ones have a time of their own')
    t.equal(await store.applyLogged(Number(replaced?.[0])), true)
    t.strictSame(await counted(store, 1, 2), ['1 7 accepted 5'])
    t.strictSame(await store.replaceLogged([Number(replaced?.[1])], [], T0), [])
    await store.recoverUses(T0 + 9)
    t.strictSame(await counted(store, 1, 2), ['1 7 accepted 5'])
  })

  test('any number of entries of the log is replaced', async (t, store) => {
    const entry = await store.logUses('', T0)
    t.equal(await store.replaceLogged(Array.from({ length: 100_000 }, (_, i) => entry + i), [], T0), null)
  })

  test('an entry of the log that nobody could have written, or that is huge, is recovered as far as it goes and is no hindrance', async (t, store) => {
    const { keys: [key, other] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    const wrong = { ip: 'x'.repeat(1000), previousAt: 1e20 }
    const counts = [[1e20, 1], [1, 1e20]].map(([day, count]) => countLine({ keyId: keyId(1), day: Number(day), outcome: 'accepted', count: Number(count) }))
    await store.logUses(useLine({ ...use(key, T0 + 1, null), ...wrong }, 1e20, 1e20) + useLine({ ...use(other, 1e20, null), ...wrong }, 1, 7) + counts.join(''), T0)
    await store.logUses(Array.from({ length: 20_000 }, (_, i) => useLine(use(other, T0 + i, null), 0, 0)).join(''), T0)
    await store.recoverUses(T0 + 1)
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 1, previousUsedAt: null })
    t.match(await store.getKey(keyId(2)), { lastUsedAt: T0 + 19_999, previousUsedAt: null })
    t.strictSame(await counted(store, 1, 2), [])
  })

  test('recovering ends though others go on logging', async (t, store, connect) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    const heir = await connect()
    const state = { isOver: false, more: 0 }
    await store.logUses(useLine(use(key, T0, null), 1, 7), T0)
    const recovered = heir.recoverUses(T0 + 1).then(() => { state.isOver = true })
    while (!state.isOver && state.more < 500) {
      await store.logUses(useLine(use(key, T0 + ++state.more, null), 1, 7), T0)
      await nextTurn()
    }
    await recovered
    t.ok(state.more < 500)
  })
}
