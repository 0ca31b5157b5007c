import { test } from 'tap'
import { buildPages, NOW, textOf } from './helpers/pages.js'

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

test('the way back says where it leads', async (t) => {
  const { app, get, post } = await buildPages(t, { getUser, now: () => NOW })
  const { id } = await app.apiKeys.create('ann & co')
  const { id: own } = await app.apiKeys.create('root')
  const top = async (url: string) => Array.from((await get(url, 'root')).body.split('<span class="ak-user">')[0]?.matchAll(/<a href="([^"]*)"[^>]*>(.*?)<\/a>/g) ?? [], ([, href, text]) => [text?.replace('<span aria-hidden="true">←</span>', '←'), href])
  const administration = ['Administration', '/keys/admin']
  const keys = ['← API keys', '/keys']
  const user = ['← User ann &amp; co', '/keys/admin/user?id=ann%20%26%20co']
  t.same(await top('/keys'), [administration])
  for (const url of [`/keys/${own}`, `/keys/${own}/edit`, '/keys/admin']) t.same(await top(url), [keys, administration], url)
  for (const url of [`/keys/${id}`, `/keys/${id}/edit`, `/keys/${id}/rotate`, `/keys/${id}/revoke`, '/keys/admin/revoke-all?user=ann%20%26%20co']) t.same(await top(url), [user, administration], url)
  t.same(await top('/keys/admin/user?id=ann%20%26%20co'), [['← Administration', '/keys/admin']], 'once')
  t.match(textOf(await post(`/keys/${id}/rotate`, {}, 'root')), /^← User ann & co Administration/)
  for (const [key, text] of [[id, 'Back to the user'], [own, 'Back to your keys']] as const) {
    await app.apiKeys.revoke(key)
    t.match(textOf(await get(`/keys/${key}/revoke`, 'root')), new RegExp(`${text}$`))
  }
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
