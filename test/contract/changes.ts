import type { KeyFields } from '../../lib/store/rows.js'
import { T0 } from '../helpers/app.js'
import { NO_TERMS, rules } from '../helpers/rows.js'
import { digest, draft, insert, keyId, profileOf, revoke, UNLIMITED, type StoreTest } from '../helpers/store.js'

/** How every store must change, revoke and prune keys. */
export function changesContract (test: StoreTest): void {
  test('a change is decided by the key as it is, and changes what it names alone', async (t, store) => {
    const { keys: [before], profiles } = await insert(store, [draft('ann', 1, { name: 'old' }), draft('ann', 2, { name: 'old' })])
    const seen: unknown[] = []
    const fields: KeyFields = {
      name: 'new', scopes: ['a'], expiresAt: T0 + 9, enabled: false, allowedIps: ['::1'], rateMax: 1, rateWindow: 2, quotaMax: 3, quotaEvery: 4, quotaUsed: 5, quotaSince: 6, metadata: { a: 1 }, revokedReason: 'x', rotatedAt: 7, previousUntil: 8
    }
    const changed = await store.changeKey(keyId(1), (key, profile) => { seen.push(key, profile); return fields })
    t.strictSame(changed, { row: { ...before, ...fields }, changed: true })
    t.strictSame(seen, [{ ...before, digest: digest(1), previousDigest: null }, profileOf(profiles)])
    t.strictSame(await store.getKey(keyId(1)), { ...before, ...fields })
    const nothing: KeyFields = { scopes: [], expiresAt: null, enabled: true, allowedIps: null, metadata: null, revokedReason: null }
    t.match(await store.changeKey(keyId(1), () => nothing), { row: nothing, changed: true })
    t.match(await store.getKey(keyId(1)), nothing)
    t.equal((await store.findByDigest(digest(1)))?.name, 'new')
    t.equal((await store.getKey(keyId(2)))?.name, 'old')
  })

  test('a change that is refused, or is none, changes nothing', async (t, store) => {
    const { keys: [row] } = await insert(store, [draft('ann', 1)])
    const error = new Error('no')
    t.strictSame(await store.changeKey(keyId(1), () => error), { error })
    t.strictSame(await store.changeKey(keyId(1), () => ({})), { row, changed: false })
    t.strictSame(await store.getKey(keyId(1)), row)
  })

  test('of changes at once, each sees what the one before it left', async (t, store, connect) => {
    await insert(store, [draft('ann', 1)])
    const stores = [store, await connect(), await connect()]
    await Promise.all(Array.from({ length: 30 }, (_, i) => (stores[i % 3] ?? store).changeKey(keyId(1), ({ name }) => ({ name: String(Number(name) + 1) }))))
    t.equal((await store.getKey(keyId(1)))?.name, '30')
  })

  test('a key is found by its digest, and by the one before it, and by no older one', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2)])
    const rotate = (from: number, to: number) => store.changeKey(keyId(1), (key) => ({ digest: digest(to), previousDigest: key.digest, previousUntil: T0 + from }))
    await rotate(1, 11)
    t.match(await store.findByDigest(digest(1)), { id: keyId(1), isPrevious: true, previousUntil: T0 + 1 })
    t.match(await store.findByDigest(digest(11)), { id: keyId(1), isPrevious: false })
    await rotate(11, 12)
    t.equal(await store.findByDigest(digest(1)), null)
    t.match(await store.findByDigest(digest(11)), { id: keyId(1), isPrevious: true, previousUntil: T0 + 11 })
    t.match(await store.findByDigest(digest(12)), { id: keyId(1), isPrevious: false })
    t.match(await store.findByDigest(digest(2)), { id: keyId(2), isPrevious: false })
  })

  test('a key whose secret was put back by hand is found by it as by the present one', async (t, store) => {
    await insert(store, [draft('ann', 1)])
    await store.changeKey(keyId(1), (key) => ({ digest: digest(11), previousDigest: key.digest, previousUntil: T0 }))
    await store.changeKey(keyId(1), () => ({ digest: digest(1) }))
    t.match(await store.findByDigest(digest(1)), { id: keyId(1), isPrevious: false })
    t.equal(await store.findByDigest(digest(11)), null)
  })

  test('revoking all of a user ends what is not revoked, and leaves others alone', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2), draft('bob', 3)])
    await revoke(store, keyId(1), T0 + 1)
    const revoked = await store.revokeKeys('ann', T0 + 2, 'left')
    t.match(revoked, [{ id: keyId(2), revokedAt: T0 + 2, revokedReason: 'left', userId: 'ann' }])
    t.equal(revoked.length, 1)
    t.match(await store.getKey(keyId(2)), { revokedAt: T0 + 2, revokedReason: 'left' })
    t.match(await store.getKey(keyId(1)), { revokedAt: T0 + 1, revokedReason: null })
    t.match(await store.getKey(keyId(3)), { revokedAt: null })
    t.strictSame(await store.revokeKeys('ann', T0 + 3, null), [])
    t.strictSame(await store.revokeKeys('nobody', T0 + 3, null), [])
  })

  test('revoking keeps the first time and tells whether it changed anything', async (t, store) => {
    const { keys: [before] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    t.strictSame(await revoke(store, keyId(1), T0 + 1), { row: { ...before, revokedAt: T0 + 1 }, changed: true })
    t.strictSame(await revoke(store, keyId(1), T0 + 2), { row: { ...before, revokedAt: T0 + 1 }, changed: false })
    t.equal((await store.findByDigest(digest(1)))?.revokedAt, T0 + 1)
    t.equal((await store.getKey(keyId(2)))?.revokedAt, null)
  })

  test('of many revocations of one key at once, one changes it', async (t, store, connect) => {
    await insert(store, [draft('ann', 1)])
    const stores = [store, await connect(), await connect()]
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => revoke(stores[i % 3] ?? store, keyId(1), T0 + i)))
    t.equal(results.filter((result) => result?.changed).length, 1)
    t.equal(new Set(results.map((result) => result?.row.revokedAt)).size, 1)
  })

  test('pruning deletes what died before a time, in portions, and profiles when their keys are gone', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2), draft('ann', 3), draft('bob', 4), draft('eve', 5)])
    await store.insertKeys([draft('ann', 6), draft('ann', 7)], T0, rules(UNLIMITED, { ...NO_TERMS, expiresAt: T0 + 5 }))
    await store.saveUses([{ keyId: keyId(1), at: T0, ip: null, previousAt: null }])
    await revoke(store, keyId(1), T0 + 5)
    await revoke(store, keyId(2), T0 + 6)
    await store.deleteProfile('bob', T0 + 5, null)
    await store.deleteProfile('eve', T0 + 6, null)
    t.strictSame(await store.prune(T0 + 4, 10), { keys: 0, profiles: 0 })
    t.strictSame(await store.prune(T0 + 5, 3), { keys: 3, profiles: 0 })
    t.strictSame(await store.prune(T0 + 5, 3), { keys: 1, profiles: 1 })
    t.strictSame(await store.prune(T0 + 5, 3), { keys: 0, profiles: 0 })
    t.strictSame((await store.listKeys('ann')).map(({ id }) => id).toSorted(), [keyId(2), keyId(3)])
    t.strictSame((await store.listKeys('bob')), [])
    t.strictSame((await store.listKeys('eve')).map(({ id }) => id), [keyId(5)])
    t.equal(await store.findByDigest(digest(1)), null)
  })
}
