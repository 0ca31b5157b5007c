import type { Test } from 'tap'
import { ApiKeys } from '../../lib/keys/service.js'
import { resolveOptions } from '../../lib/options.js'
import { CLOCKS_APART } from '../../lib/store/bookkeeping.js'
import type { Store } from '../../lib/store/store.js'
import { DAY, HOUR, silentLog, T0 } from '../helpers/app.js'
import type { Connect, PrepareDatabase } from './store.js'

/** What every store must do to count uses and to remember changes, whatever its engine. */
export function accountsContract (t: Test, engine: string, prepare: PrepareDatabase): void {
  const test = (title: string, run: (t: Test, store: Store, connect: Connect) => Promise<void>) => {
    t.test(`${engine}: ${title}`, async (t) => {
      const connect = await prepare(t)
      await run(t, await connect(), connect)
    })
  }

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

  test('each change is remembered with its author, by what it changed, and without a digest', async (t, store) => {
    const service = new ApiKeys(store, resolveOptions({ now: () => T0 }), silentLog)
    const by = { actor: 'admin', ip: '192.0.2.1' }
    const { id, profileId } = await service.create('ann', { name: 'laptop', scopes: ['read'], quota: { max: 5 } }, by)
    await service.update(id, { name: 'phone', enabled: false }, by)
    await service.update(id, { name: 'phone' }, by)
    await service.rotate(id, { overlap: '1h' }, by)
    await service.revoke(id, { reason: 'lost', ...by })
    await service.revoke(id, by)
    await service.profiles.update('ann', { maxKeys: 3, canUseApi: false }, by)
    await service.profiles.update('ann', { maxKeys: 3 }, by)
    const { id: other } = await service.create('ann', {}, by)
    await service.profiles.delete('ann', by)
    await service.create('bob')
    await service.revokeAll('bob', { reason: 'all' })
    const { id: single } = await service.create('carl')
    await service.create('carl')
    await service.revoke(single)
    await service.revokeAll('carl')
    const about = (keyId: string | null, action: string, changes: object | null) => ({ at: T0, keyId, profileId, userId: 'ann', ...by, action, changes })
    const entries = (await store.listHistory({ userId: 'ann', limit: 100 })).map(({ id, ...entry }) => entry)
    t.strictSame(entries.reverse(), [
      about(null, 'apiUserCreated', null),
      about(id, 'apiKeyCreated', { name: [null, 'laptop'], scopes: [null, ['read']], quotaMax: [null, 5] }),
      about(id, 'apiKeyUpdated', { name: ['laptop', 'phone'], enabled: [true, false] }),
      about(id, 'apiKeyRotated', { start: entries[3]?.changes?.['start'], previousUntil: [null, T0 + HOUR] }),
      about(id, 'apiKeyRevoked', { revokedAt: [null, T0], revokedReason: [null, 'lost'] }),
      about(null, 'apiUserUpdated', { maxKeys: [null, 3], canUseApi: [null, false] }),
      about(other, 'apiKeyCreated', null),
      about(other, 'apiKeyRevoked', { revokedAt: [null, T0], revokedReason: [null, 'the profile was deleted'] }),
      about(null, 'apiUserDeleted', null)
    ])
    t.match(await store.listHistory({ userId: 'bob', limit: 1 }), [{ action: 'apiKeyRevoked', actor: null, ip: null, changes: { revokedReason: [null, 'all'] } }])
    const revocations = (await store.listHistory({ userId: 'carl', limit: 2 })).map(({ action, changes }) => ({ action, changes }))
    t.strictSame(revocations, Array(2).fill({ action: 'apiKeyRevoked', changes: { revokedAt: [null, T0] } }), 'without a reason there is none, singly and together')
  })

  test('the history is read by key, by user, in pages, newest first', async (t, store) => {
    const service = new ApiKeys(store, resolveOptions({}), silentLog)
    const made = await service.createMany(Array.from({ length: 1200 }, (_, i) => ({ userId: i % 2 === 0 ? 'ann' : 'bob' })))
    const pages = []
    for (let cursor: number | undefined; ;) {
      const page = await service.history({ userId: 'ann', limit: 250, ...(cursor !== undefined && { cursor }) })
      pages.push(page.entries.length)
      t.ok(page.entries.every((entry, i) => i === 0 || entry.id < (page.entries[i - 1]?.id ?? 0)))
      if (page.cursor === null) break
      cursor = page.cursor
    }
    t.strictSame(pages, [250, 250, 101], '600 keys and one profile')
    t.match(await service.history({ keyId: made[7]?.id ?? '' }), { entries: [{ action: 'apiKeyCreated', userId: 'bob', at: made[7]?.createdAt }], cursor: null })
    t.equal((await service.history()).entries.length, 100)
    t.strictSame(await service.history({ keyId: 'nobody', userId: 'ann' }), { entries: [], cursor: null })
    t.strictSame(await store.listHistory({ keyId: '\0', limit: 1 }), [])
  })

  test('what is undone is not remembered', async (t, store) => {
    const service = new ApiKeys(store, resolveOptions({ maxKeys: 1 }), silentLog)
    await t.rejects(service.createMany([{ userId: 'ann' }, { userId: 'ann' }]), { code: 'FST_API_KEY_LIMIT_REACHED' })
    const { id } = await service.create('ann')
    await service.revoke(id)
    await t.rejects(service.update(id, { enabled: false }), { code: 'FST_API_KEY_NOT_LIVE' })
    t.strictSame((await service.history()).entries.map(({ action }) => action), ['apiKeyRevoked', 'apiKeyCreated', 'apiUserCreated'])
  })
}

async function makeKey (store: Store): Promise<string> {
  const service = new ApiKeys(store, resolveOptions({}), silentLog)
  return (await service.create('ann')).id
}
