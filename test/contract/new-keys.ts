import type { ProfileRow } from '../../lib/store/rows.js'
import { T0 } from '../helpers/app.js'
import { NO_TERMS, rules } from '../helpers/rows.js'
import { digest, draft, insert, keyId, revoke, UNLIMITED, type StoreTest } from '../helpers/store.js'

/** How every store must insert keys. */
export function newKeysContract (test: StoreTest): void {
  test('a user without a profile gets one with the first key, and no second one', async (t, store) => {
    const first = await insert(store, [draft('ann', 1), draft('bob', 2), draft('ann', 3)])
    t.strictSame(first.profiles.map(({ userId }) => userId), ['ann', 'bob'])
    t.match(first.profiles[0], { maxKeys: null, canUseApi: null, canMakeKeys: null, lastAccessAt: null, createdAt: T0 })
    t.strictSame(first.keys.map(({ userId }) => userId), ['ann', 'bob', 'ann'])
    t.equal(first.keys[2]?.profileId, first.keys[0]?.profileId)
    const second = await insert(store, [draft('ann', 4)])
    t.strictSame(second.profiles, [])
    t.equal(second.keys[0]?.profileId, first.keys[0]?.profileId)
  })

  test('without permission to make a profile nothing is inserted', async (t, store) => {
    await store.ensureProfile('ann', {}, T0)
    t.strictSame(await store.insertKeys([draft('ann', 1), draft('bob', 2, { makeProfile: false })], T0, rules(UNLIMITED)), { refused: 'no-profile', userId: 'bob' })
    t.strictSame(await store.listKeys('ann'), [])
    t.equal(await store.getProfile('bob'), null)
    t.equal((await store.insertKeys([draft('ann', 1, { makeProfile: false })], T0, rules(UNLIMITED))).refused, null)
  })

  test('a key that a rule refuses is not made, nor is any other of the batch', async (t, store) => {
    const error = new Error('not for Bob')
    const seen: unknown[] = []
    const forbid = { limitOf: () => UNLIMITED, termsOf: (profile: ProfileRow, i: number) => { seen.push([profile.userId, i]); return profile.userId === 'bob' ? error : NO_TERMS } }
    const refused = await store.insertKeys([draft('ann', 1), draft('bob', 2)], T0, forbid)
    t.strictSame(refused, { refused: 'rule', userId: 'bob', error })
    t.strictSame(seen, [['ann', 0], ['bob', 1]])
    t.equal(await store.getProfile('ann'), null, 'the profile made on the way is undone too')
    t.equal((await store.insertKeys([draft('bob', 2)], T0, rules(UNLIMITED))).refused, null)
  })

  test('a key has the terms that the rules give it', async (t, store) => {
    const terms = {
      scopes: ['buckets:read', 'é'], expiresAt: T0 + 5, allowedIps: ['10.0.0.0/8', '::1'], rateMax: 5, rateWindow: 60_000, quotaMax: 7, quotaEvery: null, metadata: { team: 'é "x"', tags: [1, null, { deep: true }] }
    }
    const made = await store.insertKeys([draft('ann', 1), draft('ann', 2)], T0, rules(UNLIMITED, terms))
    t.match(made, { refused: null, keys: [terms, terms] })
    t.strictSame(made.refused === null && made.keys, [await store.getKey(keyId(1)), await store.getKey(keyId(2))])
    t.match(await store.findByDigest(digest(2)), terms)
  })

  test('a nonce makes one key, also when it is sent many times at once', async (t, store, connect) => {
    const nonce = 'n'.repeat(20)
    const stores = [store, await connect()]
    const results = await Promise.all(Array.from({ length: 10 }, (_, i) =>
      (stores[i % stores.length] ?? store).insertKeys([draft('ann', i, { nonce })], T0, rules(UNLIMITED))))
    t.equal(results.filter(({ refused }) => refused === null).length, 1)
    t.strictSame(results.filter(({ refused }) => refused !== null), Array.from({ length: 9 }, () => ({ refused: 'nonce', userId: 'ann' })))
    t.strictSame(await store.insertKeys([draft('bob', 20, { nonce })], T0, rules(UNLIMITED)), { refused: 'nonce', userId: 'bob' })
    t.equal(await store.getProfile('bob'), null)
    t.equal((await store.insertKeys([draft('bob', 20, { nonce: nonce.toUpperCase() })], T0, rules(UNLIMITED))).refused, null)
  })

  test('a nonce stays used when its key is revoked', async (t, store) => {
    const nonce = 'n'.repeat(20)
    await insert(store, [draft('ann', 1, { nonce })])
    await revoke(store, keyId(1), T0)
    t.equal((await store.insertKeys([draft('ann', 2, { nonce })], T0, rules(UNLIMITED))).refused, 'nonce')
  })

  test('an empty batch inserts nothing', async (t, store) => {
    t.strictSame(await store.insertKeys([], T0, rules(UNLIMITED)), { refused: null, keys: [], profiles: [] })
  })

  test('keys of thousands in one batch come back in the order of the drafts', async (t, store) => {
    const drafts = Array.from({ length: 3000 }, (_, i) => draft(`user ${i % 7}`, i))
    const { keys, profiles } = await insert(store, drafts)
    t.strictSame(keys.map(({ id }) => id), drafts.map(({ id }) => id))
    t.strictSame(keys.map(({ userId }) => userId), drafts.map(({ userId }) => userId))
    t.equal(profiles.length, 7)
    t.equal((await store.listKeys('user 0')).length, 429)
  })

  test('a digest that is already there is a defect, and nothing of the batch stays', async (t, store) => {
    await insert(store, [draft('ann', 1)])
    const twice = { ...draft('bob', 3), digest: digest(1) }
    await t.rejects(store.insertKeys([draft('bob', 2), twice], T0, rules(UNLIMITED)), { code: 'FST_API_KEY_INTERNAL', statusCode: 500 })
    t.equal(await store.getProfile('bob'), null)
    t.equal(await store.getKey(keyId(2)), null)
    t.equal((await store.insertKeys([draft('bob', 2)], T0, rules(UNLIMITED))).refused, null, 'the store works on')
  })
}
