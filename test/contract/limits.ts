import { T0 } from '../helpers/app.js'
import { NO_TERMS, rules } from '../helpers/rows.js'
import { draft, insert, keyId, revoke, UNLIMITED, type StoreTest } from '../helpers/store.js'

/** How many keys of a user every store must let be. */
export function limitsContract (test: StoreTest): void {
  test('expired keys do not count against the limit', async (t, store) => {
    await store.insertKeys([draft('ann', 1), draft('ann', 2)], T0, rules(2, { ...NO_TERMS, expiresAt: T0 + 5 }))
    t.equal((await store.insertKeys([draft('ann', 3)], T0 + 4, rules(2))).refused, 'full')
    t.equal((await store.insertKeys([draft('ann', 3), draft('ann', 4)], T0 + 5, rules(2))).refused, null)
    t.equal((await store.insertKeys([draft('ann', 5)], T0 + 5, rules(2))).refused, 'full')
  })

  test('a limit holds for connections that insert at once while keys expire', async (t, store, connect) => {
    await store.insertKeys([1, 2, 3].map((n) => draft('ann', n)), T0, rules(3, { ...NO_TERMS, expiresAt: T0 + 5 }))
    const stores = [store, await connect(), await connect()]
    const results = await Promise.all(Array.from({ length: 30 }, (_, i) =>
      (stores[i % 3] ?? store).insertKeys([draft('ann', 10 + i)], T0 + 5, rules(3))))
    t.equal(results.filter(({ refused }) => refused === null).length, 3)
    t.equal((await store.listKeys('ann')).length, 6)
  })

  test('a batch beyond the limit makes no key at all', async (t, store) => {
    await insert(store, [draft('ann', 1)], 3)
    t.strictSame(await store.insertKeys([draft('ann', 2), draft('bob', 3), draft('ann', 4), draft('ann', 5)], T0, rules(3)), { refused: 'full', userId: 'ann', limit: 3 })
    t.equal((await store.listKeys('ann')).length, 1)
    t.equal((await store.insertKeys([draft('ann', 2), draft('ann', 4)], T0, rules(3))).refused, null)
    t.strictSame(await store.insertKeys([draft('ann', 5)], T0, rules(3)), { refused: 'full', userId: 'ann', limit: 3 })
  })

  test("a profile's own limit wins over the general one, in both directions", async (t, store) => {
    await store.ensureProfile('none', { maxKeys: 0 }, T0)
    await store.ensureProfile('two', { maxKeys: 2 }, T0)
    await store.ensureProfile('any', { maxKeys: UNLIMITED }, T0)
    t.strictSame(await store.insertKeys([draft('none', 1)], T0, rules(UNLIMITED)), { refused: 'full', userId: 'none', limit: 0 })
    t.equal((await store.insertKeys([draft('two', 2), draft('two', 3)], T0, rules(1))).refused, null)
    t.strictSame(await store.insertKeys([draft('two', 4)], T0, rules(100)), { refused: 'full', userId: 'two', limit: 2 })
    t.equal((await store.insertKeys([draft('any', 5), draft('any', 6)], T0, rules(1))).refused, null)
    await store.updateProfile('two', { maxKeys: null })
    t.strictSame(await store.insertKeys([draft('two', 7)], T0, rules(2)), { refused: 'full', userId: 'two', limit: 2 })
    t.strictSame(await store.insertKeys([draft('new', 8)], T0, rules(0)), { refused: 'full', userId: 'new', limit: 0 })
    t.equal(await store.getProfile('new'), null)
  })

  test('revoked keys do not count against the limit', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2)], 2)
    await revoke(store, keyId(1), T0)
    t.equal((await store.insertKeys([draft('ann', 3)], T0, rules(2))).refused, null)
    t.equal((await store.insertKeys([draft('ann', 4)], T0, rules(2))).refused, 'full')
  })

  test('a limit holds however many connections insert at once', async (t, store, connect) => {
    const stores = [store, await connect(), await connect(), await connect()]
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) =>
      (stores[i % stores.length] ?? store).insertKeys([draft('ann', i)], T0, rules(5))))
    t.equal(results.filter(({ refused }) => refused === null).length, 5)
    t.equal(results.filter(({ refused }) => refused === 'full').length, 35)
    t.equal((await store.listKeys('ann')).length, 5)
    t.equal((await store.listProfiles(0, 10, '')).length, 1)
  })
}
