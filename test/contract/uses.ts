import { T0 } from '../helpers/app.js'
import { digest, draft, insert, keyId, revoke, use, type StoreTest } from '../helpers/store.js'

/** How every store must keep when and from where keys were used, and forget that at a logout. */
export function usesContract (test: StoreTest): void {
  test('uses are stored for the key, and the newest of those of a profile is its last access', async (t, store) => {
    const { keys: [ann, ann2, bob] } = await insert(store, [draft('ann', 1), draft('ann', 2), draft('bob', 3)])
    await store.saveUses([use(ann, T0 + 10, '10.0.0.1'), use(ann2, T0 + 5, '2001:db8::1'), use(bob, T0 + 7, null)])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 10, loggedIp: '10.0.0.1' })
    t.match(await store.getKey(keyId(2)), { lastUsedAt: T0 + 5, loggedIp: '2001:db8::1' })
    t.match(await store.getKey(keyId(3)), { lastUsedAt: T0 + 7, loggedIp: null })
    t.equal((await store.getProfile('ann'))?.lastAccessAt, T0 + 10)
    t.equal((await store.getProfile('bob'))?.lastAccessAt, T0 + 7)
    t.strictSame((await store.listProfiles(0, 9, '')).map(({ lastAccessAt }) => lastAccessAt), [T0 + 10, T0 + 7])
    t.equal((await store.updateProfile('ann', { maxKeys: 9 }))?.row.lastAccessAt, T0 + 10)
    t.equal((await store.ensureProfile('ann', {}, T0)).row.lastAccessAt, T0 + 10)
    await revoke(store, keyId(1), T0 + 11)
    await store.prune(T0 + 11, 9)
    t.equal((await store.getProfile('ann'))?.lastAccessAt, T0 + 10, 'also when that key is gone')
    await store.saveUses([use(ann2, T0 + 12, null)])
    t.equal((await store.deleteProfile('ann', T0 + 13, null))?.row.lastAccessAt, T0 + 12)
    await store.saveUses([])
    t.equal((await store.getKey(keyId(3)))?.lastUsedAt, T0 + 7)
  })

  test('times of use only move forward, whatever order the batches come in', async (t, store, connect) => {
    const { keys: [key, other] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    const late = await connect()
    await store.saveUses([use(key, T0 + 20, '10.0.0.2')])
    await late.saveUses([use(key, T0 + 10, '10.0.0.1'), use(other, T0 + 5, '10.0.0.3')])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 20, loggedIp: '10.0.0.2' })
    t.match(await store.getKey(keyId(2)), { lastUsedAt: T0 + 5, loggedIp: '10.0.0.3' })
    t.equal((await store.getProfile('ann'))?.lastAccessAt, T0 + 20)
  })

  test('the last use of a replaced secret only moves forward, also when the new one was used later elsewhere', async (t, store) => {
    const { keys: [key, other] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    await store.saveUses([use(key, T0 + 20, null)])
    await store.saveUses([use(key, T0 + 10, null, T0 + 10), use(other, T0 + 1, null)])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 20, previousUsedAt: T0 + 10 })
    await store.saveUses([use(key, T0 + 30, null, T0 + 9)])
    await store.saveUses([use(key, T0 + 31, null)])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 31, previousUsedAt: T0 + 10 })
    t.match(await store.getKey(keyId(2)), { lastUsedAt: T0 + 1, previousUsedAt: null })
  })

  test('uses of keys that are gone or revoked harm nothing', async (t, store) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    await revoke(store, keyId(1), T0 + 1)
    await store.saveUses([{ keyId: keyId(99), at: T0, ip: null, previousAt: T0 }, use(key, T0 + 2, '10.0.0.1')])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 2, revokedAt: T0 + 1 })
  })

  test('of many uses in one batch, those of keys that are gone are left out and all others stored', async (t, store) => {
    const { keys } = await insert(store, Array.from({ length: 60 }, (_, i) => draft('ann', i)))
    const uses = keys.map((key, i) => use(key, T0 + i, null))
    await store.saveUses(uses.toSpliced(30, 0, { keyId: keyId(99), at: T0, ip: null, previousAt: null }))
    t.strictSame((await store.listKeys('ann')).map(({ lastUsedAt }) => lastUsedAt).toSorted(), uses.map(({ at }) => at).toSorted())
  })

  test('hundreds of uses fit in one batch', async (t, store) => {
    const { keys } = await insert(store, Array.from({ length: 700 }, (_, i) => draft('ann', i)))
    await store.saveUses(keys.map((key, i) => use(key, T0 + i, '10.0.0.1')))
    t.strictSame((await store.listKeys('ann')).map(({ lastUsedAt }) => lastUsedAt).toSorted(), keys.map((_, i) => T0 + i).toSorted())
  })

  test('a logout forgets the address, keeps the times, and tells whether there was a login', async (t, store) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    t.match(await store.logoutKey(keyId(1), T0), { row: { loggedIp: null }, digests: [digest(1), null], changed: false })
    await store.saveUses([use(key, T0 + 1, '10.0.0.1')])
    const ended = await store.logoutKey(keyId(1), T0 + 2)
    t.strictSame(ended, { row: { ...key, lastUsedAt: T0 + 1 }, digests: [digest(1), null], changed: true })
    t.match(await store.logoutKey(keyId(1), T0 + 3), { changed: false })
  })

  test('uses from before a logout, written after it, do not bring the login back', async (t, store, connect) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    const slow = await connect()
    await store.logoutKey(keyId(1), T0 + 10)
    await slow.saveUses([use(key, T0 + 9, '10.0.0.1')])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 9, loggedIp: null })
    await slow.saveUses([use(key, T0 + 11, '10.0.0.2')])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 11, loggedIp: '10.0.0.2' })
  })
}
