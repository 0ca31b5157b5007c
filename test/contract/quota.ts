import { CLOCKS_APART } from '../../lib/store/bookkeeping.js'
import { DAY, T0 } from '../helpers/app.js'
import { makeKey, type StoreTest } from '../helpers/store.js'

/** How every store must count uses against a quota. */
export function quotaContract (test: StoreTest): void {
  test('a quota lets as many uses through as it says, and then no more', async (t, store) => {
    const keyId = await makeKey(store)
    const quota = { max: 3, every: null }
    const other = await makeKey(store)
    for (let used = 1; used <= 3; used++) t.strictSame(await store.takeQuota(keyId, quota, T0 + used), { isTaken: true, used, since: T0 + 1 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + 1e12), { isTaken: false, used: 3, since: T0 + 1 })
    t.strictSame(await store.takeQuota(keyId, { max: 4, every: null }, T0 + 9), { isTaken: true, used: 4, since: T0 + 1 }, 'a larger one goes on from there')
    t.strictSame(await store.takeQuota(other, quota, T0 + 9), { isTaken: true, used: 1, since: T0 + 9 })
    t.equal(await store.takeQuota('nobody', quota, T0), null)
    t.strictSame(await store.takeQuota(await makeKey(store), { max: 0, every: null }, T0), { isTaken: false, used: 0, since: T0 }, 'of nothing nothing is taken')
  })

  test('a quota begins anew with each period, and periods follow each other without a gap', async (t, store) => {
    const keyId = await makeKey(store)
    const quota = { max: 2, every: 1000 }
    t.strictSame(await store.takeQuota(keyId, quota, T0), { isTaken: true, used: 1, since: T0 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + 998), { isTaken: true, used: 2, since: T0 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + 999), { isTaken: false, used: 2, since: T0 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + 1000), { isTaken: true, used: 1, since: T0 + 1000 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + 5999), { isTaken: true, used: 1, since: T0 + 5000 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + 4000), { isTaken: true, used: 2, since: T0 + 5000 }, 'a clock that is behind takes from the same period')
    t.strictSame(await store.takeQuota(keyId, { max: 2, every: null }, T0 + 9000), { isTaken: false, used: 2, since: T0 + 5000 }, 'without periods none is over')
  })

  test('of many uses at once, over many connections, exactly as many pass as the quota says', async (t, store, connect) => {
    const keyId = await makeKey(store)
    const stores = [store, await connect(), await connect(), await connect()]
    const takes = await Promise.all(Array.from({ length: 400 }, async (_, i) => await stores[i % stores.length]?.takeQuota(keyId, { max: 100, every: 60_000 }, T0 + i)))
    const taken = takes.filter((take) => take?.isTaken)
    t.equal(taken.length, 100)
    t.strictSame(taken.map((take) => take?.used).sort((a, b) => Number(a) - Number(b)), Array.from({ length: 100 }, (_, i) => i + 1), 'each of them another one')
  })

  test('a period that a clock began which was ahead is none of the present, and another begins', async (t, store) => {
    const [keyId, short, total] = [await makeKey(store), await makeKey(store), await makeKey(store)]
    const quota = { max: 1, every: DAY }
    const future = T0 + 1e12
    t.strictSame(await store.takeQuota(keyId, quota, future), { isTaken: true, used: 1, since: future })
    t.strictSame(await store.takeQuota(keyId, quota, future - CLOCKS_APART), { isTaken: false, used: 1, since: future }, 'a clock may be behind')
    t.strictSame(await store.takeQuota(keyId, quota, future - CLOCKS_APART - 1), { isTaken: true, used: 1, since: future - CLOCKS_APART - 1 })
    t.strictSame(await store.takeQuota(keyId, quota, T0), { isTaken: true, used: 1, since: T0 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + 1), { isTaken: false, used: 1, since: T0 })
    t.strictSame(await store.takeQuota(keyId, quota, T0 + quota.every), { isTaken: true, used: 1, since: T0 + quota.every }, 'periods go on from the new one')
    await store.takeQuota(short, { max: 2, every: 1000 }, future)
    t.strictSame(await store.takeQuota(short, { max: 2, every: 1000 }, T0), { isTaken: true, used: 1, since: T0 }, 'also where uses were left')
    await store.takeQuota(total, { max: 1, every: null }, future)
    t.strictSame(await store.takeQuota(total, { max: 1, every: null }, T0), { isTaken: false, used: 1, since: future }, 'a total has no periods')
  })

  test('of many uses at once, exactly as many pass as the quota says when the clock was ahead before', async (t, store, connect) => {
    const keyId = await makeKey(store)
    const quota = { max: 50, every: DAY }
    for (let i = 0; i < 50; i++) await store.takeQuota(keyId, quota, T0 + 1e12)
    const stores = [store, await connect(), await connect(), await connect()]
    const takes = await Promise.all(Array.from({ length: 200 }, async (_, i) => await stores[i % stores.length]?.takeQuota(keyId, quota, T0 + 200 - i)))
    const used = takes.filter((take) => take?.isTaken).map((take) => Number(take?.used))
    t.strictSame(used.sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i + 1))
  })

  test('counting a use against a quota empties no cache', async (t, store) => {
    const keyId = await makeKey(store)
    const drops: unknown[] = []
    store.watch((change) => drops.push(change))
    const before = store.generation()
    await store.takeQuota(keyId, { max: 1, every: null }, T0)
    t.equal(store.generation(), before)
    t.strictSame(drops, [])
  })
}
