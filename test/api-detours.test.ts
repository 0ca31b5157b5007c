import { buildApi, manager } from './helpers/api.js'
import { HOUR } from './helpers/app.js'
import { onEachEngine } from './helpers/engines.js'

/* Ways around what somebody may give: by a secret that is to end, by a limit there and back, by a scope that is withheld. */

onEachEngine('a secret that was replaced gets nothing that outlives it, neither a new secret nor a key', async (t, database) => {
  const { app, call } = await buildApi(t, database)
  const old = await manager(app)
  const { key: present } = await app.apiKeys.rotate(old.id, { overlap: HOUR })
  const { previousUntil } = await app.apiKeys.get(old.id) ?? {}
  const until = previousUntil?.toISOString()
  const rotation = await call(old, 'POST', `/${old.id}/rotate`, {})
  t.match([rotation.statusCode, rotation.json()], [403, { code: 'FST_API_KEY_BEYOND_OWN', message: `expiresAt must be ${until} or earlier, as of whoever asks, got never` }])
  t.match(await app.apiKeys.verify(present), { keyId: old.id }, 'the present secret goes on working')

  t.match((await call(old, 'POST', '', {})).json(), { expiresAt: until })
  t.equal((await call(old, 'POST', '', { expiresAt: null })).statusCode, 403)
  const other = await app.apiKeys.create('ann')
  t.equal((await call(old, 'POST', `/${other.id}/rotate`, {})).statusCode, 403)
  t.equal((await call(old, 'PATCH', `/${old.id}`, { name: 'less' })).statusCode, 200)

  const again = await call({ key: present }, 'POST', `/${old.id}/rotate`, { overlap: HOUR })
  t.equal(again.statusCode, 200, 'the present one may')
  t.equal((await call({ key: again.json().key }, 'POST', '', { expiresAt: null })).statusCode, 201)
})

onEachEngine('uses that were counted stay counted, whatever limit is set and taken back', async (t, database) => {
  const { app, call } = await buildApi(t, { ...database, quota: { max: 2 } })
  const ann = { user: 'ann' }
  const key = await app.apiKeys.create('ann')
  const other = await manager(app)
  await app.apiKeys.verify(key.key)
  await app.apiKeys.verify(key.key)
  const path = `/${key.id}`
  for (const caller of [ann, other]) {
    t.equal((await call(caller, 'PATCH', path, { quota: { max: 1 } })).statusCode, 200)
    t.match((await call(caller, 'PATCH', path, { quota: null })).json(), { quota: { max: 2, used: 2 } })
    await t.rejects(app.apiKeys.verify(key.key), { code: 'FST_API_KEY_QUOTA_EXCEEDED' })
  }
  await app.apiKeys.update(key.id, { quota: { max: 1 } })
  t.match((await app.apiKeys.update(key.id, { quota: null })).quota, { used: 0 }, 'the application may begin anew')

  const free = await buildApi(t, { ...database })
  const { id } = await free.app.apiKeys.create('bob', { quota: { max: 1 } })
  t.match((await free.call({ user: 'bob' }, 'PATCH', `/${id}`, { quota: null })).json(), { quota: null }, 'where there is none, it may be taken away')
})

onEachEngine('a scope that a group withholds counts, since it comes back with the group', async (t, database) => {
  const { app, call } = await buildApi(t, { ...database, groups: { low: { scopes: ['api-keys:manage', 'a'] }, high: {} } })
  await app.apiKeys.profiles.create('ann', { group: 'high' })
  const stronger = await app.apiKeys.create('ann', { scopes: ['admin'] })
  const disabled = await app.apiKeys.create('ann', { scopes: ['admin'], allowedIps: ['10.0.0.1'] })
  await app.apiKeys.update(disabled.id, { enabled: false })
  const acting = await manager(app)
  const equal = await manager(app, 'ann', { scopes: ['admin'] })
  await app.apiKeys.profiles.update('ann', { group: 'low' })
  const beyond = { code: 'FST_API_KEY_BEYOND_OWN', message: 'scopes must be within api-keys:manage, as of whoever asks, got admin' }
  t.match((await call(acting, 'POST', `/${stronger.id}/rotate`, {})).json(), beyond)
  t.match((await call(acting, 'PATCH', `/${disabled.id}`, { enabled: true })).json(), beyond)
  t.match((await call(acting, 'PATCH', `/${disabled.id}`, { allowedIps: null })).json(), beyond)
  t.equal((await call(acting, 'PATCH', `/${disabled.id}`, { name: 'less' })).statusCode, 200)
  t.equal((await call(equal, 'POST', `/${stronger.id}/rotate`, {})).statusCode, 200, 'one that has it too may')
  t.equal((await call(equal, 'POST', '', { scopes: ['admin'] })).json().code, 'FST_API_KEY_SCOPE_NOT_ALLOWED', 'and gives it to no new key')
  t.equal((await call({ user: 'ann' }, 'PATCH', `/${disabled.id}`, { enabled: true })).statusCode, 200, 'a person holds all of their keys')
})

onEachEngine('of several rotations of a program at once one gives a secret, and that works', async (t, database) => {
  const { app, call } = await buildApi(t, database)
  for (let i = 0; i < 5; i++) {
    const acting = await manager(app)
    const answers = await Promise.all(Array.from({ length: 5 }, () => call(acting, 'POST', `/${acting.id}/rotate`, {})))
    const [won, ...others] = answers.toSorted((one, two) => one.statusCode - two.statusCode)
    t.match(await app.apiKeys.verify(won?.json().key), { keyId: acting.id })
    t.strictSame(others.filter(({ statusCode }) => statusCode !== 409 && statusCode !== 401), [])
  }
})
