import Database from 'better-sqlite3'
import { join } from 'node:path'
import { test } from 'tap'
import { DAY, HOUR } from './helpers/app.js'
import { buildPages, NOW, textOf } from './helpers/pages.js'

test('somebody without keys is told what to do', async (t) => {
  const { get } = await buildPages(t)
  const page = await get('/keys')
  t.equal(page.statusCode, 200)
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  t.match(textOf(page), 'No keys Name a key above and create it.')
  t.match(textOf(page), 'You hold 0 keys. You may make as many as you like.')
  t.match(textOf(page), 'Signed in as ann')
  t.match(page.body, '<title>API keys</title>')
  t.notMatch(page.body, '<table')
})

test('somebody whose keys have all ended is not taken for one who never had any', async (t) => {
  const { app, get } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(id)
  t.match(textOf(await get('/keys')), 'No keys Name a key above and create it. You will see its secret once: copy it into your program.')
})

test('a use is told at once in both columns, also while nothing can be written', async (t) => {
  const file = join(t.testdir(), 'keys.db')
  const database = new Database(file, { timeout: 0 })
  const other = new Database(file)
  t.after(() => { database.close(); other.close() })
  const { app, get } = await buildPages(t, { database })
  const { id, key } = await app.apiKeys.create('ann', { name: 'k' })
  await app.apiKeys.verify(key)
  t.match(textOf(await get('/keys')), 'just now 1 use Revoke')
  other.exec('BEGIN IMMEDIATE')
  await app.apiKeys.verify(key)
  await t.rejects(app.apiKeys.flush(), { code: 'FST_API_KEY_UNAVAILABLE' })
  for (const [url, text] of [['/keys', 'just now 2 uses Revoke'], [`/keys/${id}`, 'Accepted 2 Refused 0']] as const) {
    const page = await get(url)
    t.equal(page.statusCode, 200, url)
    t.match(textOf(page), text)
  }
  other.exec('COMMIT')
  t.match(textOf(await get('/keys')), 'just now 2 uses Revoke')
})

test('the list tells name, first characters, state, creation, last use and address of each key', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now })
  const { key, start } = await app.apiKeys.create('ann', { name: 'backup' })
  now += 40 * DAY
  await app.apiKeys.verify(key, { ip: '192.0.2.7' })
  now += 3 * HOUR
  await app.apiKeys.flush()
  const page = await get('/keys')
  t.match(textOf(page), `backup ${start}… Active 14 Mar 2026 3 hours ago 192.0.2.7 1 use Revoke Revoke the key backup`)
  t.match(page.body, '<time datetime="2026-03-14T12:00:00.000Z" title="14 Mar 2026, 12:00:00 UTC" data-ak-date>14 Mar 2026</time>')
  t.notMatch(page.body, key)
  t.match(textOf(page), 'You hold 1 key.')
})

test('times within a week are told as how long ago', async (t) => {
  let now = NOW
  const { app, get } = await buildPages(t, { now: () => now })
  await app.apiKeys.create('ann', { name: 'k' })
  for (const [elapsed, text] of [
    [-HOUR, '14 Mar 2026'], [-1000, 'just now'], [0, 'just now'], [59_999, 'just now'], [60_000, '1 minute ago'], [HOUR - 1, '59 minutes ago'],
    [HOUR, '1 hour ago'], [DAY, 'yesterday'], [7 * DAY - 1, '6 days ago'], [7 * DAY, '14 Mar 2026']
  ] as const) {
    now = NOW + elapsed
    t.match(textOf(await get('/keys')), `Active ${text} Never`)
  }
})

test('revoked keys stand apart, behind a link', async (t) => {
  const { app, get } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann', { name: 'older' })
  await app.apiKeys.create('ann', { name: 'newer' })
  t.notMatch((await get('/keys')).body, 'show=ended', 'without any there is no link')
  await app.apiKeys.revoke(id)
  const live = await get('/keys')
  t.match(textOf(live), /Live keys 1 Revoked and expired keys 1 .*newer/)
  t.notMatch(textOf(live), 'older')
  t.match(live.body, '<a href="/keys?show=ended">')
  const ended = await get('/keys?show=ended')
  t.match(textOf(ended), /older .*Revoked just now Never just now/)
  t.match(ended.body, '<a href="/keys?show=ended" aria-current="page">')
  t.notMatch(textOf(ended), 'newer')
  t.notMatch(textOf(ended), 'Revoke the key older')
  t.notMatch(ended.body, '<form', 'a key is made where the live ones are')
})

test('a key without a name is called so', async (t) => {
  const { app, get } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann')
  t.match(textOf(await get('/keys')), 'Revoke the key Unnamed key')
  await app.apiKeys.revoke(id)
  t.match(textOf(await get(`/keys?revoked=${id}`)), 'The key “Unnamed key” was revoked.')
})

test('what people entered is text, never markup', async (t) => {
  const { app, get } = await buildPages(t, { getUser: () => ({ id: 'x', name: '<b>&"\'' }) })
  await app.apiKeys.create('x', { name: '<script>alert(1)</script>' })
  const page = await get('/keys?name=%22%3E%3Cimg%3E')
  t.notMatch(page.body, '<script>alert')
  t.notMatch(page.body, '<img')
  t.notMatch(page.body, '<b>')
  t.match(textOf(page), 'Revoke the key <script>alert(1)</script>')
  t.match(textOf(page), 'Signed in as <b>&"\'')
})

test('other people have other keys', async (t) => {
  const { app, get } = await buildPages(t)
  await app.apiKeys.create('bob', { name: 'of bob' })
  t.notMatch((await get('/keys', 'ann')).body, 'of bob')
  t.match((await get('/keys', 'bob')).body, 'of bob')
})

test('the list says how many keys may still be made', async (t) => {
  const { app, get } = await buildPages(t, { maxKeys: 3 })
  t.match(textOf(await get('/keys')), 'Keys held: 0 of 3. You may make 3 more.')
  const { id } = await app.apiKeys.create('ann', { name: 'a' })
  await app.apiKeys.create('ann', { name: 'b' })
  t.match(textOf(await get('/keys')), 'Keys held: 2 of 3. You may make 1 more.')
  await app.apiKeys.revoke(id)
  t.match(textOf(await get('/keys')), 'Keys held: 1 of 3. You may make 2 more.')
  await app.apiKeys.profiles.update('ann', { maxKeys: -1 })
  t.match(textOf(await get('/keys')), 'You hold 1 key. You may make as many as you like.')
})

test('whoever holds all keys they may have sees why there is no form', async (t) => {
  const { app, get } = await buildPages(t, { maxKeys: 2 })
  await app.apiKeys.create('ann', { name: 'a' })
  await app.apiKeys.create('ann', { name: 'b' })
  const full = await get('/keys')
  t.match(textOf(full), 'You hold all 2 API keys that you may have. Revoke one to make another. Keys held: 2 of 2.')
  t.notMatch(textOf(full), 'more')
  t.notMatch(full.body, '<form')
  await app.apiKeys.profiles.update('ann', { maxKeys: 1 })
  t.match(textOf(await get('/keys')), 'You hold 2 API keys and may have 1. Revoke 2 to make another. Keys held: 2 of 1.')
})

test('whoever may have no keys at all sees that', async (t) => {
  const { app, get } = await buildPages(t, { maxKeys: 0 })
  t.match(textOf(await get('/keys')), 'You may hold no API keys. Ask the people who run this service if you need one. Keys held: 0 of 0.')
  t.match(textOf(await get('/keys')), 'No keys Nothing can use the API in your name.')
  await app.apiKeys.profiles.create('bob', { maxKeys: 1 })
  t.match(textOf(await get('/keys', 'bob')), 'Keys held: 0 of 1. You may make 1 more.')
  await app.apiKeys.create('bob', { name: 'only' })
  t.match(textOf(await get('/keys', 'bob')), 'You hold the 1 API key that you may have. Revoke it to make another.')
})

test('whoever may not make keys sees that instead of the form', async (t) => {
  const { app, get } = await buildPages(t)
  await app.apiKeys.profiles.create('ann', { canMakeKeys: false })
  const page = await get('/keys')
  t.match(textOf(page), 'You may not make API keys. Ask the people who run this service if you need one.')
  t.notMatch(page.body, '<form')
  t.notMatch(textOf(page), 'as many as you like')
  await app.apiKeys.profiles.update('ann', { maxKeys: 3 })
  t.match(textOf(await get('/keys')), 'Keys held: 0 of 3.')
})

test('whose keys are not accepted is told', async (t) => {
  const { app, get, post } = await buildPages(t)
  await app.apiKeys.profiles.create('ann', { canUseApi: false })
  const page = await get('/keys')
  t.match(page.body, /ak-warning" role="status"/)
  t.match(textOf(page), 'Your API keys are not accepted at the moment.')
  const mistaken = await post('/keys', { name: '' })
  t.same(mistaken.body.match(/<\w+ [^>]* autofocus>/g)?.map((tag) => /id="([^"]*)"/.exec(tag)?.[1]), ['ak-name'], 'after a mistake the field alone has the focus')
})

test('a person can look after the keys of another owner, who is then named', async (t) => {
  const { app, get, post } = await buildPages(t, { getUser: () => ({ id: 'ann', name: 'Ann', owner: 'acme' }) })
  t.match(textOf(await get('/keys')), 'Signed in as Ann for acme')
  await post('/keys', { name: 'theirs' })
  t.match((await app.apiKeys.list('acme')).map((key) => key.name), ['theirs'])
  t.same(await app.apiKeys.list('ann'), [])
})

test('a first visit makes the profile, as autoProfile allows', async (t) => {
  const events: unknown[] = []
  const asked: unknown[] = []
  const { app, get } = await buildPages(t, {
    getUser: () => ({ id: 'ann', name: 'Ann', owner: 'acme', admin: true }),
    autoProfile: (user) => { asked.push(user); return true }
  })
  app.apiKeys.on('apiUserCreated', (event) => { events.push([event.profile.userId, event.actor, event.ip]) })
  await get('/keys')
  await get('/keys')
  t.same(events, [['acme', 'ann', '127.0.0.1']])
  t.same(asked, [{ id: 'ann', name: 'Ann', owner: 'acme', admin: true }])
})

test('whoever has no profile and may not get one is told so', async (t) => {
  const { get, post } = await buildPages(t, { autoProfile: false })
  for (const page of [await get('/keys'), await post('/keys', { name: 'x' })]) {
    t.equal(page.statusCode, 403)
    t.match(textOf(page), 'You have no access to the API')
  }
})

test('the pages are under the prefix that was chosen and those around it', async (t) => {
  const { get } = await buildPages(t, { pages: { prefix: '/me/tokens' } })
  t.match((await get('/me/tokens')).body, 'action="/me/tokens"')
  t.match((await get('/me/tokens/')).body, 'action="/me/tokens"')
  t.equal((await get('/keys')).statusCode, 401)
})

test('a HEAD is answered as a GET', async (t) => {
  const { app } = await buildPages(t)
  const page = await app.inject({ method: 'HEAD', url: '/keys', headers: { user: 'ann' } })
  t.equal(page.statusCode, 200)
  t.equal(page.body, '')
})
