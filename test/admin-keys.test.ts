import Database from 'better-sqlite3'
import { test } from 'tap'
import { buildAdmin } from './helpers/admin.js'
import { HOUR } from './helpers/app.js'
import { attribute, NOW, secretOf, textOf } from './helpers/pages.js'

const MAKE = '/keys/admin/keys?user=ann'
const USER = '/keys/admin/user?id=ann'

const nonceOf = (page: Parameters<typeof attribute>[0]) => attribute(page, /<input type="hidden" name="nonce"[^>]*>/, 'value') ?? ''
const namesOf = ({ body }: { body: string }) => Array.from(body.matchAll(/<th role="rowheader"[^>]*>.*?class="ak-name"[^>]*>(?:<bdi>)?([^<]*)</g), ([, name]) => name)

test('an administrator makes a key for somebody, whose secret is shown this once; both are in the history', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  app.get('/me', (request) => request.apiUser)
  await app.apiKeys.profiles.create('ann')
  const nonce = nonceOf(await get(USER))
  const page = await post(MAKE, { name: ' For the new server ', nonce })
  t.equal(page.statusCode, 200)
  t.equal(page.headers['cache-control'], 'no-store')
  t.match(page.body, '<title>New API key for ann</title>')
  t.match(textOf(page), 'New API key for ann The key “For the new server” works from now on.')
  t.match(textOf(page), 'This key belongs to ann.')
  t.match(page.body, 'href="/keys/admin/user?id=ann"')
  const call = await app.inject({ url: '/me', headers: { 'x-api-authorization': secretOf(page) } })
  t.match(call.json(), { id: 'ann', keyName: 'For the new server' })
  t.match((await app.apiKeys.history({ userId: 'ann', limit: 1 })).entries, [{ action: 'apiKeyCreated', actor: 'root', ip: '127.0.0.1', userId: 'ann' }])
  t.notMatch((await get(USER)).body, secretOf(page).slice(8))

  const again = await post(MAKE, { name: 'For the new server', nonce })
  t.equal(again.statusCode, 409)
  t.match(textOf(again), 'This key was already made')
  t.match(again.body, 'href="/keys/admin/user?id=ann"')
  t.equal((await app.apiKeys.list('ann')).length, 1)
})

test('an administrator is told where no key of the user is accepted', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  await app.apiKeys.profiles.create('ann', { canUseApi: false })
  const why = 'None of the user’s keys is accepted at the moment.'
  const page = await post(MAKE, { name: 'k', nonce: nonceOf(await get(USER)) })
  t.match(textOf(page), `The key “k” is made. ${why}`)
  const [key] = await app.apiKeys.list('ann')
  t.match(textOf(await get(`/keys/${key?.id}`)), why)
  t.match(textOf(await post(`/keys/${key?.id}/rotate`, { overlap: '0' })), `The key “k” has a new secret. ${why}`)
})

test('whose key it becomes is in the address and never in the form', async (t) => {
  const { app, post } = await buildAdmin(t)
  await app.apiKeys.profiles.create('ann')
  await post(MAKE, { name: 'k', user: 'bob', userId: 'bob', id: 'bob' })
  t.match(await app.apiKeys.list('ann'), [{ name: 'k' }])
  t.same(await app.apiKeys.list('bob'), [])
})

test('a name that will not do is told at its field, and no key is made', async (t) => {
  const { app, post } = await buildAdmin(t)
  await app.apiKeys.profiles.create('ann')
  for (const name of ['', 'x'.repeat(101)]) {
    const page = await post(MAKE, { name })
    t.equal(page.statusCode, 400)
    t.match(page.body, '<title>Error: User ann</title>')
    t.match(page.body, /<p class="ak-field-error" id="ak-name-error">/)
    t.equal(attribute(page, /<input id="ak-name"[^>]*>/, 'value'), name)
  }
  t.same(await app.apiKeys.list('ann'), [])
})

test('where no key may be made the page says why, also when that came up meanwhile', async (t) => {
  const { app, get, post } = await buildAdmin(t, { maxKeys: 1 })
  await app.apiKeys.profiles.create('ann')
  await app.apiKeys.create('ann')
  t.match(textOf(await get(USER)), 'No key can be made, since this user holds as many as the limit allows: 1.')
  const full = await post(MAKE, { name: 'k' })
  t.equal(full.statusCode, 409)
  t.match(full.body, /<div class="ak-notice ak-error" role="alert" tabindex="-1" autofocus>No key was made\.<\/div>/)
  t.match(textOf(full), 'as many as the limit allows')
  await app.apiKeys.profiles.update('ann', { maxKeys: -1, canMakeKeys: false })
  const forbidden = await post(MAKE, { name: 'k' })
  t.equal(forbidden.statusCode, 403)
  t.match(textOf(forbidden), 'No key was made. User ann')
  t.match(textOf(forbidden), 'No key can be made, since this user may not make keys.')
  t.equal(attribute(forbidden, /<input id="ak-name"[^>]*>/, 'value'), 'k', 'what was entered is not lost')
  t.notMatch((await get(USER)).body, 'name="nonce"')
  t.equal((await app.apiKeys.list('ann')).length, 1)
})

test('expiry, scopes and addresses are chosen as on the pages of owners, as far as the profile allows', async (t) => {
  const { app, get, post } = await buildAdmin(t, { scopes: { read: 'Read', write: 'Write' } })
  await app.apiKeys.profiles.create('ann', { scopes: ['read'] })
  const { body } = await get(USER)
  t.match(body, /name="scopes" value="read"/)
  t.notMatch(body, /name="scopes" value="write"/)
  await post(MAKE, 'name=k&scopes=read&expiry=30d&addresses=192.0.2.0%2F24')
  t.match(await app.apiKeys.list('ann'), [{ scopes: ['read'], allowedIps: ['192.0.2.0/24'], expiresAt: new Date(NOW + 30 * 24 * HOUR) }])
  const page = await post(MAKE, 'name=other&scopes=write&addresses=nowhere')
  t.equal(page.statusCode, 400)
  t.match(page.body, 'id="ak-scopes-error"')
  t.match(page.body, 'id="ak-addresses-error"')
  t.equal(attribute(page, /<input id="ak-name"[^>]*>/, 'value'), 'other')
})

test('what is wrong with a field that the form has not is told above it', async (t) => {
  const { app, post } = await buildAdmin(t)
  await app.apiKeys.profiles.create('ann')
  const page = await post(MAKE, { name: 'k', scopes: 'read' })
  t.equal(page.statusCode, 400)
  t.match(page.body, '<div class="ak-notice ak-error" role="alert"')
  t.same(await app.apiKeys.list('ann'), [])
})

test('what is not allowed any more since the form was read is told at its field', async (t) => {
  let meanwhile = () => {}
  const { app, post } = await buildAdmin(t, { scopes: { read: 'Read', write: 'Write' }, now: () => { meanwhile(); return NOW } })
  await app.apiKeys.profiles.create('ann')
  // Between reading what the profile allows and making the key.
  meanwhile = () => {
    meanwhile = () => {}
    app.apiKeys.profiles.update('ann', { scopes: ['write'] }).catch(t.threw)
  }
  const page = await post(MAKE, { name: 'k', scopes: 'read' })
  t.equal(page.statusCode, 400)
  t.match(page.body, 'id="ak-scopes-error"')
  t.same(await app.apiKeys.list('ann'), [])
})

test('for a user without a profile no key is made', async (t) => {
  const { app, post } = await buildAdmin(t)
  const page = await post(MAKE, { name: 'k' })
  t.equal(page.statusCode, 404)
  t.match(textOf(page), 'This user has no profile')
  t.equal(await app.apiKeys.profiles.get('ann'), null)
})

test('a database that fails while a key is made is told as everywhere', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  const { app, post } = await buildAdmin(t, { database })
  await app.apiKeys.profiles.create('ann')
  database.exec("CREATE TRIGGER forbid BEFORE INSERT ON api_keys BEGIN SELECT RAISE(ABORT, 'no'); END")
  const defect = await post(MAKE, { name: 'k' })
  t.equal(defect.statusCode, 500)
  t.match(textOf(defect), 'Something went wrong')
  database.close()
  t.equal((await post(MAKE, { name: 'k' })).statusCode, 503)
})

test("a user's live and ended keys are told apart, in pages, each with a link to it", async (t) => {
  const { app, get, tick } = await buildAdmin(t)
  const made = await app.apiKeys.createMany(Array.from({ length: 40 }, (_, i) => ({ userId: 'ann', name: `key-${i}`, ...(i < 2 && { expiresIn: '1h' }) })))
  for (const { id } of made.slice(2, 20)) await app.apiKeys.revoke(id)
  tick(2 * HOUR)
  const first = await get(USER)
  t.match(textOf(first), 'Live keys 20 Revoked and expired keys 20')
  t.same(namesOf(first), Array.from({ length: 15 }, (_, i) => `key-${39 - i}`))
  t.match(first.body, `href="/keys/${made[39]?.id}/revoke"`)
  const next = attribute(first, /<a [^>]*>Next page<\/a>/, 'href')?.replaceAll('&amp;', '&').replace('#ak-keys', '') ?? ''
  const second = await get(next)
  t.same(namesOf(second), ['key-24', 'key-23', 'key-22', 'key-21', 'key-20'])
  t.equal(attribute(second, /<a [^>]*>First page<\/a>/, 'href'), `${USER.replace('&', '&amp;')}#ak-keys`)
  const ended = await get(`${USER}&keys=ended`)
  t.same(namesOf(ended), Array.from({ length: 15 }, (_, i) => `key-${19 - i}`))
  t.equal(attribute(ended, /<a [^>]*aria-current="page"[^>]*>Revoked and expired/, 'href'), `${USER}&amp;keys=ended#ak-keys`)
  const rest = await get(attribute(ended, /<a [^>]*>Next page<\/a>/, 'href')?.replaceAll('&amp;', '&').replace('#ak-keys', '') ?? '')
  t.same(namesOf(rest), ['key-4', 'key-3', 'key-2', 'key-1', 'key-0'])
  for (const cursor of ['', 'x', '%00', 'x'.repeat(101)]) t.equal((await get(`${USER}&cursor=${cursor}`)).statusCode, 200, cursor)
})

test('a user who has no keys of a kind is told to have none', async (t) => {
  const { app, get } = await buildAdmin(t)
  await app.apiKeys.profiles.create('ann')
  t.match(textOf(await get(USER)), 'This user has no live keys.')
  t.match(textOf(await get(`${USER}&keys=ended`)), 'This user has no keys that are revoked or expired.')
  t.notMatch((await get(USER)).body, 'revoke-all')
})

test("a user's history tells in pages what was done, to which key, and by whom", async (t) => {
  const { app, get } = await buildAdmin(t)
  const { id } = await app.apiKeys.create('ann', { name: 'Laptop' }, { actor: 'ann', ip: '192.0.2.1' })
  for (let i = 0; i < 20; i++) await app.apiKeys.update(id, { name: `Laptop ${i}` }, { actor: 'boss' })
  await app.apiKeys.create('bob', { name: 'of bob' })
  const unnamed = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(unnamed.id, { reason: 'lost' }, { actor: 'root' })
  const page = await get(USER)
  t.match(textOf(page), /History Revoked Unnamed key by you just now Reason: lost Created Unnamed key just now Changed Laptop 19 by boss just now/)
  t.match(page.body, `<a href="/keys/${id}"><bdi>Laptop 19</bdi></a>`)
  t.notMatch(page.body, 'of bob')
  const older = attribute(page, /<a [^>]*>Older changes<\/a>/, 'href')?.replaceAll('&amp;', '&').replace(/#.*/, '') ?? ''
  const last = await get(older)
  t.match(textOf(last), 'Created Laptop 19 by ann from 192.0.2.1 just now Name: Laptop Profile made by ann from 192.0.2.1 just now')
  t.notMatch(last.body, 'Older changes')
  for (const history of ['0', '-1', 'x', '1.5', '1e99']) t.match(textOf(await get(`${USER}&history=${history}`)), 'Revoked Unnamed key', history)
})

test('what was done to a key that was deleted by plain SQL is told without a link to it', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  const { app, get } = await buildAdmin(t, { database })
  const { id } = await app.apiKeys.create('ann', { name: 'Laptop' })
  database.prepare('DELETE FROM api_keys WHERE id = ?').run(id)
  const page = await get(USER)
  t.match(textOf(page), 'History Created just now Name: Laptop')
  t.notMatch(page.body, id)
})

test('revoking one key comes back to the user, and is in the history', async (t) => {
  const { app, get, post } = await buildAdmin(t)
  const { id } = await app.apiKeys.create('ann', { name: 'Laptop' })
  const answer = await post(`/keys/${id}/revoke`, {})
  t.equal(answer.headers.location, `${USER}&revoked=${id}`)
  t.match(textOf(await get(String(answer.headers.location))), 'The key “Laptop” was revoked. Requests with it are refused from now on.')
  t.match((await app.apiKeys.history({ keyId: id, limit: 1 })).entries, [{ action: 'apiKeyRevoked', actor: 'root', ip: '127.0.0.1' }])
})
