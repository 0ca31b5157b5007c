import { buildAdmin } from './helpers/admin.js'
import { onEachEngine } from './helpers/engines.js'
import { secretOf, textOf } from './helpers/pages.js'

const USER = '/keys/admin/user?id=ann'

onEachEngine('an administrator finds a user, changes the profile, makes a key, finds it and revokes all, and the history has each step', async (t, database) => {
  const { app, get, post } = await buildAdmin(t, { ...database, groups: { trial: {} } })
  await post(USER, { action: 'make' })
  t.match(textOf(await get('/keys/admin?q=an')), 'ann – 0 All Never just now')
  await post(USER, { group: 'trial', limit: 'own', maxKeys: '2', canMakeKeys: 'yes' })
  const secret = secretOf(await post('/keys/admin/keys?user=ann', { name: 'Laptop' }))
  t.match(textOf(await post('/keys/admin/identify', { secret })), 'This key belongs to ann Requests with it are accepted.')
  await post('/keys/admin/revoke-all?user=ann', { reason: 'left' })
  t.match(textOf(await post('/keys/admin/identify', { secret })), 'Requests with it are refused.')
  t.match(textOf(await get(`${USER}&keys=ended`)), /Live keys 0 Revoked and expired keys 1 .*Laptop.*History Revoked Laptop by you from 127\.0\.0\.1 just now Reason: left/)
  const by = { actor: 'root', ip: '127.0.0.1', userId: 'ann' }
  t.match((await app.apiKeys.history()).entries, [
    { ...by, action: 'apiKeyRevoked' }, { ...by, action: 'apiKeyCreated' }, { ...by, action: 'apiUserUpdated' }, { ...by, action: 'apiUserCreated' }
  ])
})

onEachEngine('whatever stands in an address is answered with a page', async (t, database) => {
  const { app, get } = await buildAdmin(t, database)
  await app.apiKeys.create('ann')
  for (const query of ['cursor=9007199254740991', 'cursor=-5', 'cursor=x', 'q=%00', 'q=%25_%5C', 'q=%F0%9F%98%80']) t.equal((await get(`/keys/admin?${query}`)).statusCode, 200, query)
  for (const query of ['history=9007199254740991', 'history=-5', 'history=x', 'cursor=x', 'cursor=%00', 'cursor=------------------------------------', 'keys=rubbish', 'revoked=%00', 'done=%00']) {
    t.equal((await get(`${USER}&${query}`)).statusCode, 200, query)
  }
})
