import { test } from 'tap'
import { buildPages, textOf } from './helpers/pages.js'

const getUser = ({ headers }: { headers: Record<string, unknown> }) => ({ id: String(headers['user']), admin: headers['user'] === 'root' })

test("an administrator opens and changes anybody's key by the same pages, which say whose it is", async (t) => {
  const by: unknown[] = []
  const { app, get, post } = await buildPages(t, { getUser, autoProfile: false })
  await app.apiKeys.profiles.create('ann & co')
  const { id } = await app.apiKeys.create('ann & co', { name: 'backup' })
  app.apiKeys.on('apiKeyRevoked', ({ key, actor }) => { by.push([key.userId, actor]) })
  const page = await get(`/keys/${id}/revoke`, 'root')
  t.equal(page.statusCode, 200, 'without a profile of their own')
  t.match(textOf(page), 'This key belongs to ann & co.')
  t.match(page.body, '<a href="/keys/admin/user?id=ann%20%26%20co"><span')
  t.equal((await post(`/keys/${id}/revoke`, { action: 'Cancel' }, 'root')).headers.location, '/keys/admin/user?id=ann%20%26%20co')
  const answer = await post(`/keys/${id}/revoke`, {}, 'root')
  t.equal(answer.headers.location, `/keys/admin/user?id=ann%20%26%20co&revoked=${id}`)
  t.same(by, [['ann & co', 'root']])
})

test("an administrator's own key is a key like others", async (t) => {
  const { app, get, post } = await buildPages(t, { getUser })
  const { id } = await app.apiKeys.create('root', { name: 'own' })
  t.notMatch(textOf(await get(`/keys/${id}/revoke`, 'root')), 'belongs')
  t.equal((await post(`/keys/${id}/revoke`, { action: 'Cancel' }, 'root')).headers.location, '/keys')
})

test('administrators see a link to their pages, others no word of it', async (t) => {
  const { get } = await buildPages(t, { getUser })
  t.match((await get('/keys', 'root')).body, '<a href="/keys/admin">Administration</a>')
  t.notMatch((await get('/keys', 'ann')).body, /admin/i)
})
