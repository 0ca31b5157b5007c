import { makeKey, type StoreTest } from '../helpers/store.js'

/** How every store must count uses and refusals by day. */
export function usageContract (test: StoreTest): void {
  test('counts add up by key, day and outcome', async (t, store, connect) => {
    const [one, two] = [await makeKey(store), await makeKey(store)]
    const day = 20_000
    await store.saveUsage([{ keyId: two, day, outcome: 'accepted', count: 7 }, { keyId: one, day, outcome: 'accepted', count: 2 }, { keyId: one, day, outcome: 'REVOKED', count: 1 }])
    await Promise.all([store, await connect()].flatMap((store) => Array.from({ length: 5 }, () =>
      store.saveUsage([{ keyId: one, day, outcome: 'accepted', count: 10 }, { keyId: one, day: day + 1, outcome: 'accepted', count: 3_000_000_000 }]))))
    const row = (day: number, outcome: string, count: number) => ({ keyId: one, day, outcome, count })
    t.strictSame(await store.readUsage([one], 0, 30_000), [row(day, 'REVOKED', 1), row(day, 'accepted', 102), row(day + 1, 'accepted', 30_000_000_000)])
    t.strictSame(await store.readUsage([one], day + 1, day + 1), [row(day + 1, 'accepted', 30_000_000_000)])
    t.strictSame(await store.readUsage([one], day + 2, 30_000), [])
    t.strictSame((await store.readUsage([two], day, day)).map(({ count }) => count), [7])
    t.strictSame((await store.readUsage([two, one], day, day)).map(({ keyId, count }) => [keyId, count]).toSorted(), [[one, 1], [one, 102], [two, 7]].toSorted())
    t.strictSame(await store.readUsage([], 0, 30_000), [])
  })

  test('of a key that is gone no counts are kept, and the others of the batch are', async (t, store) => {
    const keyId = await makeKey(store)
    const count = (keyId: string, day: number) => ({ keyId, day, outcome: 'accepted', count: 1 })
    await store.saveUsage([count('nobody', 1), count(keyId, 1)])
    t.strictSame(await store.readUsage(['nobody'], 0, 9), [])
    t.equal((await store.readUsage([keyId], 0, 9)).length, 1)
    // So many that an engine may write them in several statements. Each counts once.
    await store.saveUsage([...Array.from({ length: 60 }, (_, i) => count(keyId, 100 + i)), count('nobody', 1)].toSorted((a, b) => b.day % 7 - a.day % 7))
    t.strictSame((await store.readUsage([keyId], 100, 200)).map(({ count }) => count), Array(60).fill(1))
  })
}
