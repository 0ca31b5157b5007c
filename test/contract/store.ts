import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import type { Test } from 'tap'
import { digestOf } from '../../lib/keys/secret.js'
import type { KeyDraft, KeyFields, KeyRow, ProfileFields, ProfileRow } from '../../lib/store/rows.js'
import type { Inserted, InsertRefusal, KeyQuery, Store, Use } from '../../lib/store/store.js'
import { countLine, useLine } from '../../lib/store/use-log.js'
import { T0 } from '../helpers/app.js'
import { accessRow, NO_TERMS, rules } from '../helpers/rows.js'

/** Opens one more store on the database of the running test, and sees to its closing. */
export type Connect = () => Promise<Store>

/** Prepares an empty database for one test, which it also clears away. */
export type PrepareDatabase = (t: Test) => Promise<Connect>

const UNLIMITED = -1

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

  test('keys that expire within a time are listed by when they do', async (t, store) => {
    for (const [n, expiresAt] of [[1, T0 + 30], [2, T0 + 10], [3, T0 + 20], [4, T0 + 20], [5, null]] as const) await store.insertKeys([draft('ann', n)], T0, rules(UNLIMITED, { ...NO_TERMS, expiresAt }))
    await revoke(store, keyId(4), T0)
    const ids = async (after: number, until: number) => (await store.listExpiring(after, until)).map(({ id }) => id)
    t.strictSame(await ids(T0, T0 + 30), [keyId(2), keyId(3), keyId(1)])
    t.strictSame(await ids(T0 + 10, T0 + 29), [keyId(3)])
    t.strictSame(await ids(T0 + 30, T0 + 99), [])
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
      const changed = Object.keys(seen).length > 0
      expected = { ...expected, ...seen }
      t.strictSame(await store.updateProfile('ann', change), { row: expected, changed })
      t.strictSame(await store.updateProfile('ann', change), { row: expected, changed: false }, 'and again changes nothing')
      t.strictSame(await store.getProfile('ann'), expected)
    }
    t.equal(await store.updateProfile('nobody', { maxKeys: 1 }), null)
    t.equal(await store.updateProfile('nobody', {}), null)
    t.equal((await store.getProfile('bob'))?.maxKeys, null)
  })

  test('a profile keeps its group, scopes, expiry and limits, and its keys come with what matters for access', async (t, store) => {
    const fields = { group: 'free', scopes: ['a', 'b'], expiryDefault: 5, expiryMax: 0, rateMax: 1, rateWindow: 2, quotaMax: 3, quotaEvery: 4 }
    const { row } = await store.ensureProfile('ann', fields, T0)
    t.match(row, fields)
    const { keys: [key] } = await insert(store, [draft('ann', 1)])
    t.match(key, { group: 'free', profileQuotaMax: 3, profileQuotaEvery: 4 })
    t.strictSame(await store.getKey(keyId(1)), key)
    t.match(await store.findByDigest(digest(1)), {
      group: 'free', profileScopes: ['a', 'b'], profileRateMax: 1, profileRateWindow: 2, profileQuotaMax: 3, profileQuotaEvery: 4, scopes: []
    })
    const none = { group: null, scopes: null, expiryDefault: null, expiryMax: null, rateMax: null, rateWindow: null, quotaMax: null, quotaEvery: null }
    t.strictSame(await store.updateProfile('ann', none), { row: { ...row, ...none }, changed: true })
    t.match(await store.findByDigest(digest(1)), { group: null, profileScopes: null })
  })

  test('what a profile says about access comes with each of its keys', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2), draft('bob', 3)])
    await store.updateProfile('ann', { canUseApi: false })
    t.strictSame(await Promise.all([1, 2, 3].map(async (n) => (await store.findByDigest(digest(n)))?.canUseApi)), [false, false, null])
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

  test('profiles are found by the beginning of the user id, as it is written', async (t, store) => {
    const ids = ['ann', 'anna', 'Ann', 'an', 'a%', 'a_', 'a!', 'bob', 'an\u{10ffff}', 'é', 'éa']
    for (const userId of ids) await store.ensureProfile(userId, {}, T0)
    await store.deleteProfile('bob', T0, null)
    const find = async (start: string, cursor = 0, limit = 10) => (await store.listProfiles(cursor, limit, start)).map(({ userId }) => userId)
    t.strictSame(await find('an'), ['ann', 'anna', 'an', 'an\u{10ffff}'])
    t.strictSame(await find('an', 0, 2), ['ann', 'anna'])
    const [, second] = await store.listProfiles(0, 2, 'an')
    t.strictSame(await find('an', second?.id), ['an', 'an\u{10ffff}'])
    for (const text of ['%', '_', '!']) t.strictSame(await find(`a${text}`), [`a${text}`])
    t.strictSame(await find('%'), [])
    t.strictSame(await find('é'), ['é', 'éa'])
    t.strictSame(await find('b'), [], 'one that was deleted is not found')
  })

  test('profiles are listed by id in pages', async (t, store) => {
    const ids: number[] = []
    for (const userId of ['e', 'd', 'c', 'b', 'a']) ids.push((await store.ensureProfile(userId, {}, T0)).row.id)
    t.strictSame(ids, ids.toSorted((a, b) => a - b))
    const first = await store.listProfiles(0, 2, '')
    t.strictSame(first.map(({ userId }) => userId), ['e', 'd'])
    t.strictSame((await store.listProfiles(first[1]?.id ?? 0, 2, '')).map(({ userId }) => userId), ['c', 'b'])
    await store.deleteProfile('b', T0, null)
    t.strictSame((await store.listProfiles(ids[2] ?? 0, 10, '')).map(({ userId }) => userId), ['a'])
    t.strictSame(await store.listProfiles(Number.MAX_SAFE_INTEGER, 10, ''), [])
  })

  test('deleting a profile revokes its live keys and returns those', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2), draft('ann', 3), draft('bob', 4)])
    await revoke(store, keyId(2), T0 + 1)
    const before = await store.getProfile('ann')
    const deleted = await store.deleteProfile('ann', T0 + 2, null)
    t.strictSame(deleted?.row, before)
    t.strictSame(deleted?.revoked.map(({ id }) => id).toSorted(), [keyId(1), keyId(3)])
    t.ok(deleted?.revoked.every((key) => key.revokedAt === T0 + 2 && key.userId === 'ann'))
    t.strictSame(deleted?.revoked.find(({ id }) => id === keyId(1)), await store.getKey(keyId(1)))
    t.equal((await store.findByDigest(digest(1)))?.revokedAt, T0 + 2)
    t.equal((await store.getKey(keyId(2)))?.revokedAt, T0 + 1)
    t.equal((await store.getKey(keyId(4)))?.revokedAt, null)
    t.equal(await store.getProfile('ann'), null)
    t.equal(await store.updateProfile('ann', { maxKeys: 1 }), null)
    t.equal(await store.deleteProfile('ann', T0 + 3, null), null)
  })

  test('a user whose profile was deleted begins anew, and nothing of the old counts', async (t, store) => {
    const { row: old } = await store.ensureProfile('ann', { maxKeys: 1, canUseApi: false }, T0)
    await insert(store, [draft('ann', 1)])
    await store.deleteProfile('ann', T0 + 1, null)
    const { row, created } = await store.ensureProfile('ann', {}, T0 + 2)
    t.equal(created, true)
    t.ok(row.id > old.id, 'an id is never used again')
    t.match(row, { maxKeys: null, canUseApi: null, createdAt: T0 + 2 })
    t.equal((await store.insertKeys([draft('ann', 2)], T0, rules(1))).refused, null)
    t.match(await store.findByDigest(digest(1)), { revokedAt: T0 + 1, profileId: old.id })
  })

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

  test('a cache hears of each change that matters for access before it is done, by the generation or by watching', async (t, store) => {
    await insert(store, [draft('ann', 1), draft('ann', 2)])
    let told = 0
    store.watch(() => { told += 1 })
    const state = () => `${store.generation()} ${told}`
    const seen = new Set([state()])
    const changes: [string, () => Promise<unknown>][] = [
      ['renaming', () => store.changeKey(keyId(1), () => ({ name: 'new' }))],
      ['revoking', () => revoke(store, keyId(1), T0)],
      ['giving scopes', () => store.changeKey(keyId(2), () => ({ scopes: ['a'] }))],
      ['setting an expiry', () => store.changeKey(keyId(2), () => ({ expiresAt: T0 }))],
      ['disabling', () => store.changeKey(keyId(2), () => ({ enabled: false }))],
      ['binding to addresses', () => store.changeKey(keyId(2), () => ({ allowedIps: ['::1'] }))],
      ['rotating', () => store.changeKey(keyId(2), (key) => ({ digest: digest(22), previousDigest: key.digest, previousUntil: T0 }))],
      ['ending the overlap', () => store.changeKey(keyId(2), () => ({ previousUntil: 0 }))],
      ['giving a quota to all', () => store.updateProfile('ann', { quotaMax: 5 })],
      ['changing its period', () => store.updateProfile('ann', { quotaEvery: 5000 })],
      ['moving to a group', () => store.updateProfile('ann', { group: 'free' })],
      ['taking scopes from all', () => store.updateProfile('ann', { scopes: [] })],
      ['revoking all', () => store.revokeKeys('ann', T0, null)],
      ['forbidding the API', () => store.updateProfile('ann', { canUseApi: false })],
      ['allowing it', () => store.updateProfile('ann', { canUseApi: true })],
      ['deleting the profile', () => store.deleteProfile('ann', T0, null)]
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
      () => closed.findByDigest(digest(1)), () => closed.insertKeys([draft('ann', 2)], T0, rules(UNLIMITED)), () => closed.getKey(keyId(1)),
      () => closed.listKeys('ann'), () => closed.findKeys({ userId: 'ann', at: T0, limit: 1 }), () => closed.countKeys('ann', T0), () => closed.changeKey(keyId(1), () => ({ name: 'x' })), () => revoke(closed, keyId(1), T0),
      () => closed.logoutKey(keyId(1), T0), () => closed.ensureProfile('ann', {}, T0), () => closed.getProfile('ann'),
      () => closed.listProfiles(0, 1, ''), () => closed.listExpiring(T0, T0 + 1), () => closed.revokeKeys('ann', T0, null), () => closed.prune(T0, 1), () => closed.updateProfile('ann', { maxKeys: 1 }), () => closed.deleteProfile('ann', T0, null),
      () => closed.saveUses([use(key, T0, null)]),
      () => closed.logUses('', T0),
      () => closed.replaceLogged([1], [], T0), () => closed.applyLogged(1), () => closed.countLogged([1]),
      () => closed.recoverUses(T0)
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
  const result: Inserted | InsertRefusal = await store.insertKeys(drafts, T0, rules(maxKeys))
  if (result.refused !== null) throw new Error(`refused: ${result.refused}`)
  return result
}

function profileOf (profiles: readonly ProfileRow[]): ProfileRow {
  const [profile] = profiles
  if (profile === undefined) throw new Error('no profile was made')
  return profile
}

/** The last access of a key's profile. */

function use (key: KeyRow | undefined, at: number, ip: string | null, previousAt: number | null = null): Use {
  if (key === undefined) throw new Error('no such key')
  return { keyId: key.id, at, ip, previousAt }
}

/** Revokes a key unless it is, and tells whether it was not. */
async function revoke (store: Store, id: string, at: number): Promise<{ row: KeyRow, changed: boolean } | null> {
  const result = await store.changeKey(id, (key) => key.revokedAt === null ? { revokedAt: at } : {})
  if (result !== null && 'error' in result) throw result.error
  return result
}

/** What is counted of keys, by their numbers, as texts in order. */
async function counted (store: Store, ...numbers: number[]): Promise<string[]> {
  const rows = await Promise.all(numbers.map(async (n) => (await store.readUsage([keyId(n)], 0, 30_000)).map((row) => `${n} ${row.day} ${row.outcome} ${row.count}`)))
  return rows.flat()
}
