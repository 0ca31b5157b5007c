import { test } from 'tap'
import { buildPages, NOW, textOf } from './helpers/pages.js'

test('a second step asks, names the key and has Cancel', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now })
  const { id, start, key } = await app.apiKeys.create('ann', { name: 'backup' })
  const unused = await get(`/keys/${id}/revoke`)
  t.equal(unused.statusCode, 200)
  t.match(textOf(unused), `Revoke “backup”? Programs that use this key are refused from that moment on. This cannot be undone. Begins with ${start}… Created just now Last used Never Revoke this key Cancel`)
  t.match(unused.body, `<form class="ak-buttons" method="post" action="/keys/${id}/revoke">`)
  await app.apiKeys.verify(key, { ip: '192.0.2.7' })
  now += 120_000
  t.match(textOf(await get(`/keys/${id}/revoke`)), 'Last used 2 minutes ago From 192.0.2.7')
  await app.apiKeys.logout(id)
  t.match(textOf(await get(`/keys/${id}/revoke`)), 'Last used 2 minutes ago Revoke')
  t.equal((await app.apiKeys.get(id))?.state, 'active', 'asking changes nothing')
})

test('revoking goes back to the list, which says so', async (t) => {
  const events: unknown[] = []
  const { app, get, post } = await buildPages(t)
  app.apiKeys.on('apiKeyRevoked', ({ key, actor, ip }) => { events.push([key.id, actor, ip]) })
  const { id, key } = await app.apiKeys.create('ann', { name: 'backup' })
  const answer = await post(`/keys/${id}/revoke`, { action: 'Revoke' })
  t.equal(answer.statusCode, 303)
  t.equal(answer.headers.location, `/keys?revoked=${id}`)
  await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_REVOKED' })
  t.same(events, [[id, 'ann', '127.0.0.1']])
  const list = await get(`/keys?revoked=${id}`)
  t.match(list.body, /<div class="ak-notice ak-success" role="status" tabindex="-1" autofocus>The key “backup” was revoked\. Requests with it are refused from now on\.<\/div>/)
})

test('revoking needs no field', async (t) => {
  const { app, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann', { name: 'backup' })
  t.equal((await post(`/keys/${id}/revoke`, '')).statusCode, 303)
  t.equal((await app.apiKeys.get(id))?.state, 'revoked')
})

test('Cancel goes back and changes nothing', async (t) => {
  const { app, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann', { name: 'backup' })
  for (const action of ['Cancel', 'cancel']) {
    const answer = await post(`/keys/${id}/revoke`, { action })
    t.equal(answer.statusCode, 303)
    t.equal(answer.headers.location, '/keys')
  }
  t.equal((await app.apiKeys.get(id))?.state, 'active')
})

test('a field action that was sent twice changes nothing', async (t) => {
  const { app, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann', { name: 'backup' })
  t.equal((await post(`/keys/${id}/revoke`, 'action=Revoke&action=Cancel')).statusCode, 400)
  t.equal((await app.apiKeys.get(id))?.state, 'active')
})

test('revoking a key again is harmless', async (t) => {
  let revoked = 0
  const { app, get, post } = await buildPages(t)
  app.apiKeys.on('apiKeyRevoked', () => { revoked++ })
  const { id } = await app.apiKeys.create('ann', { name: 'backup' })
  await post(`/keys/${id}/revoke`, {})
  t.equal((await post(`/keys/${id}/revoke`, {})).statusCode, 303)
  t.equal(revoked, 1)
  const page = await get(`/keys/${id}/revoke`)
  t.equal(page.statusCode, 200)
  t.match(textOf(page), 'This key is revoked Requests with the key “backup” are refused.')
  t.match(textOf(page), 'It was revoked at this time: just now')
  t.notMatch(page.body, '<form')
})

test("somebody else's key is as unknown as one that never was", async (t) => {
  const { app, get, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('bob', { name: 'of bob' })
  const strip = (page: { body: string }) => page.body
  const never = await get('/keys/01936f4e-0000-7000-8000-000000000000/revoke')
  t.equal(never.statusCode, 404)
  t.match(textOf(never), 'There is no such key')
  for (const page of [await get(`/keys/${id}/revoke`), await post(`/keys/${id}/revoke`, {}), await post(`/keys/${id}/revoke`, { action: 'Cancel' })]) {
    t.equal(page.statusCode, 404)
    t.equal(strip(page), strip(never))
  }
  t.equal((await app.apiKeys.get(id))?.state, 'active')
})

test('the list tells only of own keys that are revoked', async (t) => {
  const { app, get } = await buildPages(t)
  const own = await app.apiKeys.create('ann', { name: 'active' })
  const other = await app.apiKeys.create('bob', { name: 'of bob' })
  await app.apiKeys.revoke(other.id)
  for (const query of [`revoked=${own.id}`, `revoked=${other.id}`, 'revoked=none', 'revoked=', `revoked=${own.id}&revoked=${own.id}`]) {
    const page = await get(`/keys?${query}`)
    t.equal(page.statusCode, 200, query)
    t.notMatch(page.body, 'ak-notice', query)
  }
})
