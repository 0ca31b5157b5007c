import { test } from 'tap'
import { buildAdmin } from './helpers/admin.js'
import { attribute, textOf } from './helpers/pages.js'

const REVOKE = '/keys/admin/revoke-all?user=ann%20%26%20co'
const USER = '/keys/admin/user?id=ann%20%26%20co'
const ANN = 'ann & co'

test('a second step asks, tells how many keys there are, and has Cancel', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  await app.apiKeys.createMany([{ userId: ANN }, { userId: ANN }, { userId: ANN }])
  const [key] = await app.apiKeys.list(ANN)
  t.match((await get(USER)).body, 'href="/keys/admin/revoke-all?user=ann%20%26%20co"')
  t.match(textOf(await get(REVOKE)), /Revoke all 3 keys of ann & co\? Programs that use them are refused from that moment on\. .* It is kept with each of the keys\. Revoke all of them Cancel/)
  t.match(await post(REVOKE, { action: 'Cancel', reason: 'x' }), { statusCode: 303, headers: { location: USER } })
  t.same(await app.apiKeys.count(ANN), { live: 3, dead: 0 })
  await app.apiKeys.revoke(String(key?.id))
  t.match(textOf(await get(REVOKE)), 'Revoke all 2 keys')
})

test('all keys are revoked, with the reason, and each is in the history with who did it', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  const keys = await app.apiKeys.createMany([{ userId: ANN }, { userId: ANN }])
  const { key: foreign } = await app.apiKeys.create('bob')
  const answer = await post(REVOKE, { action: 'Revoke', reason: '  laptop stolen ' })
  t.match(answer, { statusCode: 303, headers: { location: `${USER}&done=revoked` } })
  t.match(textOf(await get(String(answer.headers.location))), 'All keys of this user are revoked. Requests with them are refused from now on. User ann & co')
  for (const { key, id } of keys) {
    await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_REVOKED' })
    t.match(await app.apiKeys.get(id), { revokedReason: 'laptop stolen' })
    t.match((await app.apiKeys.history({ keyId: id, limit: 1 })).entries, [{ action: 'apiKeyRevoked', actor: 'root', ip: '127.0.0.1' }])
  }
  t.ok(await app.apiKeys.verify(foreign))
})

test('a reason is not asked for', async (t) => {
  const { app, post } = await buildAdmin(t)
  const { id } = await app.apiKeys.create(ANN)
  await post(REVOKE, {})
  t.match(await app.apiKeys.get(id), { state: 'revoked', revokedReason: null })
})

test('a reason that is too long is told at its field, and no key is revoked', async (t) => {
  const { app, post } = await buildAdmin(t)
  await app.apiKeys.create(ANN)
  for (const reason of ['x'.repeat(201), 'a\u0007b']) {
    const page = await post(REVOKE, { reason })
    t.equal(page.statusCode, 400)
    t.match(page.body, '<title>Error: Revoke all keys</title>')
    t.match(textOf(page), '⚠ Use at most 200 letters, digits, spaces and punctuation.')
    t.match(page.body, /<input id="ak-reason"[^>]* aria-describedby="ak-reason-hint ak-reason-error" aria-invalid="true" autofocus>/)
    t.equal(attribute(page, /<input id="ak-reason"[^>]*>/, 'value'), reason)
  }
  t.match(await app.apiKeys.count(ANN), { live: 1 })
})

test('where there is nothing to revoke the page says so', async (t) => {
  const { get, post } = await buildAdmin(t)
  const page = await get(REVOKE)
  t.equal(page.statusCode, 200)
  t.match(textOf(page), 'ann & co has no live keys There is nothing to revoke. Back to the user')
  t.notMatch(page.body, '<form')
  t.equal((await post(REVOKE, {})).statusCode, 303)
})

test('of a single key it is said that there is one', async (t) => {
  const { app, get } = await buildAdmin(t)
  await app.apiKeys.create(ANN)
  const text = textOf(await get(REVOKE))
  t.match(text, 'Revoke the only key of ann & co? Programs that use it are refused from that moment on. Another key can be made afterwards, but this one is gone for good.')
  t.match(text, 'Reason Optional. It is kept with the key. Revoke this key Cancel')
  t.notMatch(text, /them|these/)
})
