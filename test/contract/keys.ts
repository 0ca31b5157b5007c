import fc from 'fast-check'
import type { KeyQuery } from '../../lib/store/store.js'
import { T0 } from '../helpers/app.js'
import { accessRow, NO_TERMS, rules } from '../helpers/rows.js'
import { digest, draft, insert, keyId, profileOf, revoke, UNLIMITED, type StoreTest } from '../helpers/store.js'

/** What every store must find of keys. */
export function keysContract (test: StoreTest): void {
  test('a key that was inserted is found by its digest with all that verifying needs', async (t, store) => {
    const { keys, profiles } = await insert(store, [draft('ann', 1, { name: 'laptop', start: 'ak_0001', createdAt: T0 + 5 })])
    const expected = {
      id: keyId(1),
      profileId: profileOf(profiles).id,
      userId: 'ann',
      name: 'laptop',
      start: 'ak_0001',
      createdAt: T0 + 5,
      lastUsedAt: null,
      loggedIp: null,
      revokedAt: null
    }
    t.match(keys, [expected])
    t.strictSame(await store.findByDigest(digest(1)), accessRow(expected))
    t.strictSame(await store.getKey(keyId(1)), keys[0])
    t.equal(await store.findByDigest(digest(2)), null)
  })

  test('every digest, whatever its bytes, finds its own key and no other', async (t, store) => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array).toString('latin1'))
    let made = 0
    await fc.assert(fc.asyncProperty(bytes, async (digest) => {
      if (await store.findByDigest(digest) !== null) return
      const id = keyId(++made)
      await insert(store, [{ ...draft('ann', made), id, digest }])
      t.equal((await store.findByDigest(digest))?.id, id)
    }), { numRuns: 40, examples: [['\0'.repeat(32)], ['\xff'.repeat(32)], ['\0'.repeat(31) + '\x80'], ["'\\\"%_;--".padEnd(32, '\n')]] })
  })

  test('names and user ids of any text come back as they were', async (t, store) => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/\p{Cc}/u.test(text))
    let made = 0
    await fc.assert(fc.asyncProperty(text, text, async (userId, name) => {
      const id = keyId(++made)
      await insert(store, [{ ...draft(userId, made), name }])
      t.match(await store.getKey(id), { userId, name })
      t.equal((await store.getProfile(userId))?.userId, userId)
      t.ok((await store.listKeys(userId)).some((key) => key.id === id))
    }), { numRuns: 40, examples: [["'; DROP TABLE api_keys; --", '"'], ['ann ', 'Ann'], ['🦊', 'é'], ['1', '1.0']] })
  })

  test('user ids that differ only in case, in blanks or as numbers are different users', async (t, store) => {
    const ids = ['ann', 'Ann', 'ann ', ' ann', '1', '1.0', '01', 'é', 'e\u0301']
    for (const [i, userId] of ids.entries()) await insert(store, [draft(userId, i)])
    t.equal(new Set((await store.listProfiles(0, 100, '')).map(({ id }) => id)).size, ids.length)
    for (const [i, userId] of ids.entries()) t.strictSame((await store.listKeys(userId)).map(({ id }) => id), [keyId(i)])
  })

  test('an id that no key has finds nothing and changes nothing, whatever text it is', async (t, store) => {
    await insert(store, [draft('ann', 1)])
    for (const id of ['', 'nobody', '%', keyId(1).toUpperCase(), `${keyId(1)} `, '\0', 'x'.repeat(10_000), "' OR '1'='1", '\ud800']) {
      t.equal(await store.getKey(id), null)
      t.equal(await store.changeKey(id, () => ({ name: 'x' })), null)
      t.equal(await revoke(store, id, T0), null)
      t.equal(await store.logoutKey(id, T0), null)
    }
    t.match(await store.getKey(keyId(1)), { name: '', revokedAt: null })
  })

  test('keys are listed newest first, revoked ones and those of a deleted profile too', async (t, store) => {
    await insert(store, [draft('ann', 1, { createdAt: T0 + 1 }), draft('ann', 3, { createdAt: T0 + 3 }), draft('ann', 2, { createdAt: T0 + 3 }), draft('bob', 9)])
    await revoke(store, keyId(3), T0 + 4)
    t.strictSame((await store.listKeys('ann')).map(({ id }) => id), [keyId(3), keyId(2), keyId(1)])
    await store.deleteProfile('ann', T0 + 5, null)
    await insert(store, [draft('ann', 4, { createdAt: T0 + 6 })])
    const keys = await store.listKeys('ann')
    t.strictSame(keys.map(({ id, revokedAt }) => [id, revokedAt]), [[keyId(4), null], [keyId(3), T0 + 4], [keyId(2), T0 + 5], [keyId(1), T0 + 5]])
    t.ok(keys.every(({ userId }) => userId === 'ann'))
    t.strictSame(await store.listKeys('nobody'), [])
  })

  test('keys of a user are found in pages, by a part of their name or the beginning of their secret, live or dead', async (t, store) => {
    await store.insertKeys([1, 2].map((n) => draft('ann', n, { name: `Old ${n}` })), T0, rules(UNLIMITED, { ...NO_TERMS, expiresAt: T0 + 5 }))
    await insert(store, [draft('ann', 3, { name: 'Laptop' }), draft('ann', 4, { name: '100%_!a' }), draft('ann', 5, { name: '100 times', start: 'ak_zZ' }), draft('bob', 6, { name: 'Laptop' })])
    await revoke(store, keyId(3), T0)
    const find = async (query: Partial<KeyQuery>) => (await store.findKeys({ userId: 'ann', at: T0 + 5, limit: 10, ...query })).map(({ id }) => id)
    t.strictSame(await find({}), [5, 4, 3, 2, 1].map(keyId))
    t.strictSame(await find({ limit: 2 }), [5, 4].map(keyId))
    t.strictSame(await find({ before: keyId(4), limit: 2 }), [3, 2].map(keyId))
    t.strictSame(await find({ live: true }), [5, 4].map(keyId))
    t.strictSame(await find({ live: false }), [3, 2, 1].map(keyId))
    t.strictSame(await find({ live: true, at: T0 + 4 }), [5, 4, 2, 1].map(keyId))
    t.strictSame(await find({ text: 'lAPt' }), [keyId(3)])
    t.strictSame(await find({ text: 'OLD', live: true }), [])
    t.strictSame(await find({ text: 'old', before: keyId(2) }), [keyId(1)])
    t.strictSame(await find({ text: 'ak_zZ' }), [keyId(5)])
    t.strictSame(await find({ text: 'ak_zz' }), [], 'a secret is as it is written')
    t.strictSame(await find({ text: 'k_zZ' }), [], 'and begins so')
    for (const text of ['%', '_', '!', '0%_', '!a']) t.strictSame(await find({ text }), [keyId(4)], text)
    t.strictSame(await find({ text: "' OR '1'='1" }), [])
    t.strictSame(await find({ userId: 'nobody' }), [])
    t.strictSame(await store.countKeys('ann', T0 + 4), { live: 4, all: 5 })
    t.strictSame(await store.countKeys('ann', T0 + 5), { live: 2, all: 5 })
    t.strictSame(await store.countKeys('nobody', T0), { live: 0, all: 0 })
  })

  test('keys that expire within a time are listed by when they do', async (t, store) => {
    for (const [n, expiresAt] of [[1, T0 + 30], [2, T0 + 10], [3, T0 + 20], [4, T0 + 20], [5, null]] as const) await store.insertKeys([draft('ann', n)], T0, rules(UNLIMITED, { ...NO_TERMS, expiresAt }))
    await revoke(store, keyId(4), T0)
    const ids = async (after: number, until: number) => (await store.listExpiring(after, until)).map(({ id }) => id)
    t.strictSame(await ids(T0, T0 + 30), [keyId(2), keyId(3), keyId(1)])
    t.strictSame(await ids(T0 + 10, T0 + 29), [keyId(3)])
    t.strictSame(await ids(T0 + 30, T0 + 99), [])
  })
}
