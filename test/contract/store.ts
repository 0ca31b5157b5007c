import fc from 'fast-check'
import type { Test } from 'tap'
import { digestOf } from '../../lib/keys/secret.js'
import type { Inserted, InsertRefusal, KeyDraft, KeyRow, LastAccess, ProfileFields, ProfileRow, Store } from '../../lib/store/store.js'

/** Opens one more store on the database of the running test, and sees to its closing. */
export type Connect = () => Promise<Store>

/** Prepares an empty database for one test, which it also clears away. */
export type PrepareDatabase = (t: Test) => Promise<Connect>

const UNLIMITED = -1
const T0 = 1_700_000_000_000

/** What every store must do, whatever its engine. */
export function storeContract (t: Test, engine: string, prepare: PrepareDatabase): void {
  const test = (title: string, run: (t: Test, store: Store, connect: Connect) => Promise<void>) => {
    t.test(`${engine}: ${title}`, async (t) => {
      const connect = await prepare(t)
      await run(t, await connect(), connect)
    })
  }

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
    t.strictSame(keys, [expected])
    t.strictSame(await store.findByDigest(digest(1)), { ...expected, canUseApi: null })
    t.strictSame(await store.getKey(keyId(1)), expected)
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
    t.equal(new Set((await store.listProfiles(0, 100)).map(({ id }) => id)).size, ids.length)
    for (const [i, userId] of ids.entries()) t.strictSame((await store.listKeys(userId)).map(({ id }) => id), [keyId(i)])
  })

  test('an id that no key has finds nothing and changes nothing, whatever text it is', async (t, store) => {
    await insert(store, [draft('ann', 1)])
    for (const id of ['', 'nobody', '%', keyId(1).toUpperCase(), `${keyId(1)} `, '\0', 'x'.repeat(10_000), "' OR '1'='1", '\ud800']) {
      t.equal(await store.getKey(id), null)
      t.equal(await store.renameKey(id, 'x'), null)
      t.equal(await store.revokeKey(id, T0), null)
      t.equal(await store.logoutKey(id, T0), null)
    }
    t.match(await store.getKey(keyId(1)), { name: '', revokedAt: null })
  })

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
    t.strictSame(await store.insertKeys([draft('ann', 1), draft('bob', 2, { makeProfile: false })], UNLIMITED), { refused: 'no-profile', userId: 'bob' })
    t.strictSame(await store.listKeys('ann'), [])
    t.equal(await store.getProfile('bob'), null)
    t.equal((await store.insertKeys([draft('ann', 1, { makeProfile: false })], UNLIMITED)).refused, null)
  })

  test('a profile that may not make keys gets none, nor does anybody else in the batch', async (t, store) => {
    await store.ensureProfile('bob', { canMakeKeys: false }, T0)
    t.strictSame(await store.insertKeys([draft('ann', 1), draft('bob', 2)], UNLIMITED), { refused: 'forbidden', userId: 'bob' })
    t.equal(await store.getProfile('ann'), null, 'the profile made on the way is undone too')
    await store.updateProfile('bob', { canMakeKeys: null })
    t.equal((await store.insertKeys([draft('bob', 2)], UNLIMITED)).refused, null)
  })

  test('a batch beyond the limit makes no key at all', async (t, store) => {
    await insert(store, [draft('ann', 1)], 3)
    t.strictSame(await store.insertKeys([draft('ann', 2), draft('bob', 3), draft('ann', 4), draft('ann', 5)], 3), { refused: 'full', userId: 'ann', limit: 3 })
    t.equal((await store.listKeys('ann')).length, 1)
    t.equal((await store.insertKeys([draft('ann', 2), draft('ann', 4)], 3)).refused, null)
    t.strictSame(await store.insertKeys([draft('ann', 5)], 3), { refused: 'full', userId: 'ann', limit: 3 })
  })

  test("a profile's own limit wins over the general one, in both directions", async (t, store) => {
    await store.ensureProfile('none', { maxKeys: 0 }, T0)
    await store.ensureProfile('two', { maxKeys: 2 }, T0)
    await store.ensureProfile('any', { maxKeys: UNLIMITED }, T0)
    t.strictSame(await store.insertKeys([draft('none', 1)], UNLIMITED), { refused: 'full', userId: 'none', limit: 0 })
    t.equal((await store.insertKeys([draft('two', 2), draft('two', 3)], 1)).refused, null)
    t.strictSame(await store.insertKeys([draft('two', 4)], 100), { refused: 'full', userId: 'two', limit: 2 })
    t.equal((await store.insertKeys([draft('any', 5), draft('any', 6)], 1)).refused, null)
    await store.updateProfile('two', { maxKeys: null })
    t.strictSame(await store.insertKeys([draft('two', 7)], 2), { refused: 'full', userId: 'two', limit: 2 })
    t.strictSame(await store.insertKeys([draft('new', 8)], 0), { refused: 'full', userId: 'new', limit: 0 })
    t.equal(await store.getProfile('new'), null)
  })

  test('revoked keys do not count against the limit', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2)], 2)
    await store.revokeKey(keyId(1), T0)
    t.equal((await store.insertKeys([draft('ann', 3)], 2)).refused, null)
    t.equal((await store.insertKeys([draft('ann', 4)], 2)).refused, 'full')
  })

  test('a limit holds however many connections insert at once', async (t, store, connect) => {
    const stores = [store, await connect(), await connect(), await connect()]
    const results = await Promise.all(Array.from({ length: 40 }, (_, i) =>
      (stores[i % stores.length] ?? store).insertKeys([draft('ann', i)], 5)))
    t.equal(results.filter(({ refused }) => refused === null).length, 5)
    t.equal(results.filter(({ refused }) => refused === 'full').length, 35)
    t.equal((await store.listKeys('ann')).length, 5)
    t.equal((await store.listProfiles(0, 10)).length, 1)
  })

  test('a nonce makes one key, also when it is sent many times at once', async (t, store, connect) => {
    const nonce = 'n'.repeat(20)
    const stores = [store, await connect()]
    const results = await Promise.all(Array.from({ length: 10 }, (_, i) =>
      (stores[i % stores.length] ?? store).insertKeys([draft('ann', i, { nonce })], UNLIMITED)))
    t.equal(results.filter(({ refused }) => refused === null).length, 1)
    t.strictSame(results.filter(({ refused }) => refused !== null), Array.from({ length: 9 }, () => ({ refused: 'nonce', userId: 'ann' })))
    t.strictSame(await store.insertKeys([draft('bob', 20, { nonce })], UNLIMITED), { refused: 'nonce', userId: 'bob' })
    t.equal(await store.getProfile('bob'), null)
    t.equal((await store.insertKeys([draft('bob', 20, { nonce: nonce.toUpperCase() })], UNLIMITED)).refused, null)
  })

  test('a nonce stays used when its key is revoked', async (t, store) => {
    const nonce = 'n'.repeat(20)
    await insert(store, [draft('ann', 1, { nonce })])
    await store.revokeKey(keyId(1), T0)
    t.equal((await store.insertKeys([draft('ann', 2, { nonce })], UNLIMITED)).refused, 'nonce')
  })

  test('an empty batch inserts nothing', async (t, store) => {
    t.strictSame(await store.insertKeys([], UNLIMITED), { refused: null, keys: [], profiles: [] })
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
    await t.rejects(store.insertKeys([draft('bob', 2), twice], UNLIMITED), { code: 'FST_API_KEY_INTERNAL', statusCode: 500 })
    t.equal(await store.getProfile('bob'), null)
    t.equal(await store.getKey(keyId(2)), null)
    t.equal((await store.insertKeys([draft('bob', 2)], UNLIMITED)).refused, null, 'the store works on')
  })

  test('keys are listed newest first, revoked ones and those of a deleted profile too', async (t, store) => {
    await insert(store, [draft('ann', 1, { createdAt: T0 + 1 }), draft('ann', 3, { createdAt: T0 + 3 }), draft('ann', 2, { createdAt: T0 + 3 }), draft('bob', 9)])
    await store.revokeKey(keyId(3), T0 + 4)
    t.strictSame((await store.listKeys('ann')).map(({ id }) => id), [keyId(3), keyId(2), keyId(1)])
    await store.deleteProfile('ann', T0 + 5)
    await insert(store, [draft('ann', 4, { createdAt: T0 + 6 })])
    const keys = await store.listKeys('ann')
    t.strictSame(keys.map(({ id, revokedAt }) => [id, revokedAt]), [[keyId(4), null], [keyId(3), T0 + 4], [keyId(2), T0 + 5], [keyId(1), T0 + 5]])
    t.ok(keys.every(({ userId }) => userId === 'ann'))
    t.strictSame(await store.listKeys('nobody'), [])
  })

  test('renaming changes the name alone', async (t, store) => {
    const { keys: [before] } = await insert(store, [draft('ann', 1, { name: 'old' }), draft('ann', 2, { name: 'old' })])
    t.strictSame(await store.renameKey(keyId(1), 'new'), { ...before, name: 'new' })
    t.equal((await store.findByDigest(digest(1)))?.name, 'new')
    t.equal((await store.getKey(keyId(2)))?.name, 'old')
  })

  test('revoking keeps the first time and tells whether it changed anything', async (t, store) => {
    const { keys: [before] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    t.strictSame(await store.revokeKey(keyId(1), T0 + 1), { row: { ...before, revokedAt: T0 + 1 }, changed: true })
    t.strictSame(await store.revokeKey(keyId(1), T0 + 2), { row: { ...before, revokedAt: T0 + 1 }, changed: false })
    t.equal((await store.findByDigest(digest(1)))?.revokedAt, T0 + 1)
    t.equal((await store.getKey(keyId(2)))?.revokedAt, null)
  })

  test('of many revocations of one key at once, one changes it', async (t, store, connect) => {
    await insert(store, [draft('ann', 1)])
    const stores = [store, await connect(), await connect()]
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => (stores[i % 3] ?? store).revokeKey(keyId(1), T0 + i)))
    t.equal(results.filter((result) => result?.changed).length, 1)
    t.equal(new Set(results.map((result) => result?.row.revokedAt)).size, 1)
  })

  test('a profile is made once, and what is there is not changed', async (t, store, connect) => {
    const made = await store.ensureProfile('ann', { maxKeys: 3, canUseApi: false, canMakeKeys: true }, T0)
    t.equal(made.created, true)
    t.match(made.row, { userId: 'ann', maxKeys: 3, canUseApi: false, canMakeKeys: true, lastAccessAt: null, createdAt: T0 })
    t.strictSame(await store.ensureProfile('ann', { maxKeys: 9 }, T0 + 1), { row: made.row, created: false })
    t.strictSame(await store.getProfile('ann'), made.row)
    t.equal(await store.getProfile('bob'), null)
    const stores = [store, await connect(), await connect()]
    const results = await Promise.all(Array.from({ length: 12 }, (_, i) => (stores[i % 3] ?? store).ensureProfile('eve', {}, T0)))
    t.equal(results.filter(({ created }) => created).length, 1)
    t.equal(new Set(results.map(({ row }) => row.id)).size, 1)
  })

  test('updating a profile changes what is named, null included, and nothing else', async (t, store) => {
    const { row } = await store.ensureProfile('ann', { maxKeys: 3, canUseApi: false }, T0)
    await store.ensureProfile('bob', {}, T0)
    const steps: [ProfileFields, Partial<ProfileRow>][] = [
      [{}, {}], [{ maxKeys: 0 }, { maxKeys: 0 }], [{ canMakeKeys: false }, { canMakeKeys: false }],
      [{ canUseApi: true, maxKeys: UNLIMITED }, { canUseApi: true, maxKeys: UNLIMITED }],
      [{ canUseApi: null, maxKeys: null, canMakeKeys: null }, { canUseApi: null, maxKeys: null, canMakeKeys: null }]
    ]
    let expected = row
    for (const [change, seen] of steps) {
      expected = { ...expected, ...seen }
      t.strictSame(await store.updateProfile('ann', change), expected)
      t.strictSame(await store.getProfile('ann'), expected)
    }
    t.equal(await store.updateProfile('nobody', { maxKeys: 1 }), null)
    t.equal(await store.updateProfile('nobody', {}), null)
    t.equal((await store.getProfile('bob'))?.maxKeys, null)
  })

  test('what a profile says about access comes with each of its keys', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2), draft('bob', 3)])
    await store.updateProfile('ann', { canUseApi: false })
    t.strictSame(await Promise.all([1, 2, 3].map(async (n) => (await store.findByDigest(digest(n)))?.canUseApi)), [false, false, null])
  })

  test('profiles are listed by id in pages', async (t, store) => {
    const ids: number[] = []
    for (const userId of ['e', 'd', 'c', 'b', 'a']) ids.push((await store.ensureProfile(userId, {}, T0)).row.id)
    t.strictSame(ids, ids.toSorted((a, b) => a - b))
    const first = await store.listProfiles(0, 2)
    t.strictSame(first.map(({ userId }) => userId), ['e', 'd'])
    t.strictSame((await store.listProfiles(first[1]?.id ?? 0, 2)).map(({ userId }) => userId), ['c', 'b'])
    await store.deleteProfile('b', T0)
    t.strictSame((await store.listProfiles(ids[2] ?? 0, 10)).map(({ userId }) => userId), ['a'])
    t.strictSame(await store.listProfiles(Number.MAX_SAFE_INTEGER, 10), [])
  })

  test('deleting a profile revokes its live keys and returns those', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2), draft('ann', 3), draft('bob', 4)])
    await store.revokeKey(keyId(2), T0 + 1)
    const before = await store.getProfile('ann')
    const deleted = await store.deleteProfile('ann', T0 + 2)
    t.strictSame(deleted?.row, before)
    t.strictSame(deleted?.revoked.map(({ id }) => id).toSorted(), [keyId(1), keyId(3)])
    t.ok(deleted?.revoked.every((key) => key.revokedAt === T0 + 2 && key.userId === 'ann'))
    t.strictSame(deleted?.revoked.find(({ id }) => id === keyId(1)), await store.getKey(keyId(1)))
    t.equal((await store.findByDigest(digest(1)))?.revokedAt, T0 + 2)
    t.equal((await store.getKey(keyId(2)))?.revokedAt, T0 + 1)
    t.equal((await store.getKey(keyId(4)))?.revokedAt, null)
    t.equal(await store.getProfile('ann'), null)
    t.equal(await store.updateProfile('ann', { maxKeys: 1 }), null)
    t.equal(await store.deleteProfile('ann', T0 + 3), null)
  })

  test('a user whose profile was deleted begins anew, and nothing of the old counts', async (t, store) => {
    const { row: old } = await store.ensureProfile('ann', { maxKeys: 1, canUseApi: false }, T0)
    await insert(store, [draft('ann', 1)])
    await store.deleteProfile('ann', T0 + 1)
    const { row, created } = await store.ensureProfile('ann', {}, T0 + 2)
    t.equal(created, true)
    t.ok(row.id > old.id, 'an id is never used again')
    t.match(row, { maxKeys: null, canUseApi: null, createdAt: T0 + 2 })
    t.equal((await store.insertKeys([draft('ann', 2)], 1)).refused, null)
    t.match(await store.findByDigest(digest(1)), { revokedAt: T0 + 1, profileId: old.id })
  })

  test('uses are stored on the key, last accesses on the profile', async (t, store) => {
    const { keys: [ann, ann2, bob] } = await insert(store, [draft('ann', 1), draft('ann', 2), draft('bob', 3)])
    await store.saveUses([use(ann, T0 + 10, '10.0.0.1'), use(ann2, T0 + 5, '2001:db8::1'), use(bob, T0 + 7, null)])
    await store.saveLastAccesses([access(ann, T0 + 10), access(bob, T0 + 7)])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 10, loggedIp: '10.0.0.1' })
    t.match(await store.getKey(keyId(2)), { lastUsedAt: T0 + 5, loggedIp: '2001:db8::1' })
    t.match(await store.getKey(keyId(3)), { lastUsedAt: T0 + 7, loggedIp: null })
    t.equal((await store.getProfile('ann'))?.lastAccessAt, T0 + 10)
    t.equal((await store.getProfile('bob'))?.lastAccessAt, T0 + 7)
    await store.saveUses([])
    await store.saveLastAccesses([])
    t.equal((await store.getKey(keyId(1)))?.lastUsedAt, T0 + 10)
  })

  test('times of use only move forward, whatever order the batches come in', async (t, store, connect) => {
    const { keys: [key, other] } = await insert(store, [draft('ann', 1), draft('ann', 2)])
    const late = await connect()
    await store.saveUses([use(key, T0 + 20, '10.0.0.2')])
    await late.saveUses([use(key, T0 + 10, '10.0.0.1'), use(other, T0 + 5, '10.0.0.3')])
    await store.saveLastAccesses([access(key, T0 + 20)])
    await late.saveLastAccesses([access(key, T0 + 10)])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 20, loggedIp: '10.0.0.2' })
    t.match(await store.getKey(keyId(2)), { lastUsedAt: T0 + 5, loggedIp: '10.0.0.3' })
    t.equal((await store.getProfile('ann'))?.lastAccessAt, T0 + 20)
  })

  test('uses of keys that are gone or revoked harm nothing', async (t, store) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    await store.revokeKey(keyId(1), T0 + 1)
    await store.saveUses([{ keyId: keyId(99), at: T0, ip: null }, use(key, T0 + 2, '10.0.0.1')])
    await store.saveLastAccesses([{ profileId: 99, at: T0 }])
    t.match(await store.getKey(keyId(1)), { lastUsedAt: T0 + 2, revokedAt: T0 + 1 })
  })

  test('hundreds of uses fit in one batch', async (t, store) => {
    const { keys } = await insert(store, Array.from({ length: 700 }, (_, i) => draft('ann', i)))
    await store.saveUses(keys.map((key, i) => use(key, T0 + i, '10.0.0.1')))
    t.strictSame((await store.listKeys('ann')).map(({ lastUsedAt }) => lastUsedAt).toSorted(), keys.map((_, i) => T0 + i).toSorted())
  })

  test('a logout forgets the address, keeps the times, and tells whether there was a login', async (t, store) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    t.match(await store.logoutKey(keyId(1), T0), { row: { loggedIp: null }, digest: digest(1), changed: false })
    await store.saveUses([use(key, T0 + 1, '10.0.0.1')])
    const ended = await store.logoutKey(keyId(1), T0 + 2)
    t.strictSame(ended, { row: { ...key, lastUsedAt: T0 + 1 }, digest: digest(1), changed: true })
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

  test('a cache hears of each change that matters for access before it is done, by the generation or by watching', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2)])
    let told = 0
    store.watch(() => { told += 1 })
    const state = () => `${store.generation()} ${told}`
    const seen = new Set([state()])
    const changes: [string, () => Promise<unknown>][] = [
      ['renaming', () => store.renameKey(keyId(1), 'new')],
      ['revoking', () => store.revokeKey(keyId(1), T0)],
      ['forbidding the API', () => store.updateProfile('ann', { canUseApi: false })],
      ['allowing it', () => store.updateProfile('ann', { canUseApi: true })],
      ['deleting the profile', () => store.deleteProfile('ann', T0)]
    ]
    for (const [what, change] of changes) {
      await change()
      t.notOk(seen.has(state()), what)
      seen.add(state())
    }
  })

  test('every verb of a closed store says that the database does not answer', async (t, store, connect) => {
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    const closed = await connect()
    await closed.close()
    const verbs: (() => unknown)[] = [
      () => closed.findByDigest(digest(1)), () => closed.insertKeys([draft('ann', 2)], UNLIMITED), () => closed.getKey(keyId(1)),
      () => closed.listKeys('ann'), () => closed.renameKey(keyId(1), 'x'), () => closed.revokeKey(keyId(1), T0),
      () => closed.logoutKey(keyId(1), T0), () => closed.ensureProfile('ann', {}, T0), () => closed.getProfile('ann'),
      () => closed.listProfiles(0, 1), () => closed.updateProfile('ann', { maxKeys: 1 }), () => closed.deleteProfile('ann', T0),
      () => closed.saveUses([use(key, T0, null)]),
      () => closed.saveLastAccesses([access(key, T0)])
    ]
    for (const verb of verbs) {
      await t.rejects(async () => { await verb() }, {
        code: 'FST_API_KEY_UNAVAILABLE', statusCode: 503, message: 'API keys cannot be checked at the moment'
      })
    }
    t.match(await store.getKey(keyId(1)), { revokedAt: null, name: '' }, 'nothing was changed')
  })
}

/** The id of the test's n-th key, in the order of n as real ids are in the order of time. */
export function keyId (n: number): string {
  return `0198abcd-0000-7000-8000-${String(n).padStart(12, '0')}`
}

/** The digest of the test's n-th key. */
export function digest (n: number): string {
  return digestOf(`secret ${n}`)
}

/** The n-th key, to be inserted for a user. */
export function draft (userId: string, n: number, fields: Partial<KeyDraft> = {}): KeyDraft {
  return { id: keyId(n), userId, name: '', start: 'ak_0000', digest: digest(n), nonce: null, createdAt: T0, makeProfile: true, ...fields }
}

async function insert (store: Store, drafts: readonly KeyDraft[], maxKeys = UNLIMITED): Promise<Inserted> {
  const result: Inserted | InsertRefusal = await store.insertKeys(drafts, maxKeys)
  if (result.refused !== null) throw new Error(`refused: ${result.refused}`)
  return result
}

function profileOf (profiles: readonly ProfileRow[]): ProfileRow {
  const [profile] = profiles
  if (profile === undefined) throw new Error('no profile was made')
  return profile
}

/** The last access of a key's profile. */
function access (key: KeyRow | undefined, at: number): LastAccess {
  if (key === undefined) throw new Error('no such key')
  return { profileId: key.profileId, at }
}

function use (key: KeyRow | undefined, at: number, ip: string | null) {
  if (key === undefined) throw new Error('no such key')
  return { keyId: key.id, at, ip }
}
