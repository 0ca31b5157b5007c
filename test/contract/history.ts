import { ApiKeys } from '../../lib/keys/service.js'
import { resolveOptions } from '../../lib/options.js'
import { HOUR, silentLog, T0 } from '../helpers/app.js'
import type { StoreTest } from '../helpers/store.js'

/** What every store must remember of changes. */
export function historyContract (test: StoreTest): void {
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
