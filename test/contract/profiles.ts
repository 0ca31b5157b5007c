import type { ProfileFields, ProfileRow } from '../../lib/store/rows.js'
import { T0 } from '../helpers/app.js'
import { rules } from '../helpers/rows.js'
import { digest, draft, insert, keyId, revoke, UNLIMITED, type StoreTest } from '../helpers/store.js'

/** What every store must do with profiles. */
export function profilesContract (test: StoreTest): void {
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
}
