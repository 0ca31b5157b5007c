import { T0 } from '../helpers/app.js'
import { rules } from '../helpers/rows.js'
import { digest, draft, insert, keyId, revoke, UNLIMITED, use, type StoreTest } from '../helpers/store.js'

/** What must hold for all verbs of every store. */
export function verbsContract (test: StoreTest): void {
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
