import Database from 'better-sqlite3'
import { test } from 'tap'
import { buildAdmin } from './helpers/admin.js'
import { HOUR } from './helpers/app.js'
import { attribute, textOf } from './helpers/pages.js'

const usersOf = ({ body }: { body: string }) => Array.from(body.matchAll(/<a class="ak-name"[^>]*><bdi>([^<]*)</g), ([, name]) => name)

test('without profiles the page says how there will be some', async (t) => {
  const { get } = await buildAdmin(t)
  const page = await get('/keys/admin')
  t.equal(page.statusCode, 200)
  t.match(textOf(page), 'No users yet A user appears here with the first key, or when you open one below.')
  t.notMatch(page.body, '<table')
})

test('each profile is listed with group, live keys and limit, permissions, last access and age', async (t) => {
  const { app, get, tick } = await buildAdmin(t, { groups: { trial: { maxKeys: 3 } } })
  await app.apiKeys.profiles.create('ann', { group: 'trial' })
  const { key } = await app.apiKeys.create('ann')
  const { id } = await app.apiKeys.create('ann')
  await app.apiKeys.revoke(id)
  await app.apiKeys.profiles.create('bob', { canUseApi: false })
  await app.apiKeys.profiles.create('cat', { canMakeKeys: false, maxKeys: 0 })
  tick(HOUR)
  await app.apiKeys.verify(key)
  const page = await get('/keys/admin')
  t.match(textOf(page), 'ann trial 1 of 3 All just now 1 hour ago')
  t.match(textOf(page), 'bob – 0 No API Never 1 hour ago')
  t.match(textOf(page), 'cat – 0 of 0 No new keys Never 1 hour ago')
  t.match(page.body, '<a class="ak-name" href="/keys/admin/user?id=ann"><bdi>ann</bdi></a>')
})

test('a group that is not declared any more is shown as such', async (t) => {
  const database = new Database(':memory:')
  t.teardown(() => database.close())
  const { app } = await buildAdmin(t, { database, groups: { old: {} } })
  await app.apiKeys.profiles.create('ann', { group: 'old' })
  const { get } = await buildAdmin(t, { database })
  t.match(textOf(await get('/keys/admin')), 'ann old (not declared) 0 No API No new keys')
})

test('users are found by the beginning of their id', async (t) => {
  const { app, get } = await buildAdmin(t)
  for (const id of ['staff/ann', 'staff/bob', 'Staff/cat', 'client/ann', '<b>']) await app.apiKeys.profiles.create(id)
  t.same(usersOf(await get('/keys/admin?q=staff%2F')), ['staff/ann', 'staff/bob'])
  t.same(usersOf(await get('/keys/admin?q=+staff%2Fb+')), ['staff/bob'], 'whatever blanks came along')
  t.same(usersOf(await get('/keys/admin?q=ann')), [])
  t.equal(usersOf(await get('/keys/admin?q=')).length, 5)
  const none = await get('/keys/admin?q=%3Ci%3E')
  t.equal(none.statusCode, 200)
  t.match(textOf(none), 'No user id begins with “<i>” Mind capital letters')
  t.notMatch(none.body, '<i>')
  t.equal(attribute(none, /<input id="ak-q"[^>]*>/, 'value'), '&lt;i&gt;')
  for (const impossible of ['x'.repeat(256), 'a%00', 'a%0Ab', '%F0%9F%98%80'.slice(0, 9)]) t.equal((await get(`/keys/admin?q=${impossible}`)).statusCode, 200, impossible)
  t.equal(usersOf(await get('/keys/admin?q=a&q=b')).length, 5, 'what was sent twice is not read')
})

test('there are 25 on a page, and links to the next and back to the first, which keep the search', async (t) => {
  const { app, get } = await buildAdmin(t)
  for (let i = 0; i < 60; i++) await app.apiKeys.profiles.create(`${i % 10 === 0 ? 'b' : 'a&'}${i}`)
  const seen: unknown[] = []
  const sizes: number[] = []
  let url: string | undefined = '/keys/admin?q=a%26'
  while (url !== undefined) {
    const page = await get(url)
    const users = usersOf(page)
    seen.push(...users)
    sizes.push(users.length)
    t.equal(attribute(page, /<a [^>]*>First page<\/a>/, 'href'), sizes.length === 1 ? undefined : '/keys/admin?q=a%26#ak-users')
    url = attribute(page, /<a [^>]*>Next page<\/a>/, 'href')?.replace('&amp;', '&').replace('#ak-users', '')
  }
  t.same(sizes, [25, 25, 4])
  t.equal(new Set(seen).size, 54)
  t.equal(attribute(await get('/keys/admin?cursor=1'), /<a [^>]*>First page<\/a>/, 'href'), '/keys/admin#ak-users')
  for (const cursor of ['-1', '1e99', 'x', '0.5']) t.equal(usersOf(await get(`/keys/admin?cursor=${cursor}`)).length, 25, cursor)
})

test('a user is opened by the whole id, whatever characters are in it', async (t) => {
  const { app, get } = await buildAdmin(t)
  const id = 'https://id.example.com/u?a=1&b=2#ü "x"'
  await app.apiKeys.profiles.create(id)
  const page = await get(`/keys/admin/user?id=${encodeURIComponent(id)}`)
  t.equal(page.statusCode, 200)
  t.match(textOf(page), `User ${id}`)
  t.match((await get('/keys/admin')).body, `href="/keys/admin/user?id=${encodeURIComponent(id)}"`)
  t.equal((await get(`/keys/admin/user?id=${'ö'.repeat(255)}`)).statusCode, 404)
})

test('an id that nobody can have is an error at the field', async (t) => {
  const { get, post } = await buildAdmin(t)
  for (const [query, message, value] of [
    ['', 'Enter a user id.', ''], ['id=', 'Enter a user id.', ''], ['id=a%0Ab', 'A user id has 1 to 255 characters', 'a\nb'],
    [`id=${'x'.repeat(256)}`, 'A user id has 1 to 255 characters', 'x'.repeat(256)]
  ] as const) {
    for (const page of [await get(`/keys/admin/user?${query}`), await post(`/keys/admin/user?${query}`, { action: 'make' })]) {
      t.equal(page.statusCode, 400)
      t.match(textOf(page), `⚠ ${message}`)
      t.match(page.body, /<input id="ak-id"[^>]* aria-describedby="ak-id-hint ak-id-error" aria-invalid="true" autofocus>/)
      t.equal(attribute(page, /<input id="ak-id"[^>]*>/, 'value'), value)
    }
  }
  t.equal((await get('/keys/admin/user?id=a&id=b')).statusCode, 400)
})

test('a user without a profile can be given one', async (t) => {
  const { app, get, post } = await buildAdmin(t, { autoProfile: false })
  const page = await get('/keys/admin/user?id=new%20user')
  t.equal(page.statusCode, 404)
  t.match(textOf(page), 'User new user This user has no profile Without a profile there are no keys. Is the user id right?')
  t.notMatch(page.body, 'ak-history', 'of nobody there is nothing else')
  const answer = await post('/keys/admin/user?id=new%20user', { action: 'make' })
  t.equal(answer.statusCode, 303)
  t.equal(answer.headers.location, '/keys/admin/user?id=new%20user&done=made')
  t.match(textOf(await get(String(answer.headers.location))), 'This user has a profile now. User new user Keys Live keys 0')
  t.match((await app.apiKeys.history({ userId: 'new user' })).entries, [{ action: 'apiUserCreated', actor: 'root', ip: '127.0.0.1' }])
  await post('/keys/admin/user?id=new%20user', { action: 'make' })
  t.equal((await app.apiKeys.profiles.list()).length, 1, 'once is enough')
})

test('of a user the keys come first, then what may be changed, then what was', async (t) => {
  const { app, get } = await buildAdmin(t, { scopes: { read: 'Read' } })
  await app.apiKeys.create('ann')
  const { body } = await get('/keys/admin/user?id=ann')
  t.same(Array.from(body.matchAll(/<h2[^>]*>([^<]*)</g), ([, heading]) => heading), ['Keys', 'New key', 'In effect', 'Profile', 'History'])
  // Without script all fields of the profile are there, and each has to say what it is for.
  const form = body.slice(body.indexOf('id="ak-profile"'), body.indexOf('id="ak-history"'))
  const labels = Array.from(form.matchAll(/<label (?:id="[^"]*" )?for="[^"]*">([^<]*)</g), ([, label]) => label)
  t.equal(new Set(labels).size, labels.length)
  t.match(labels, ['Group', 'Key limit', 'Number of keys', 'May use the API', 'May make keys', 'Keys live for', 'Lifetime', 'Keys live at most', 'Longest lifetime'])
})

test('blanks around a typed id are left out, but an id that has some is found', async (t) => {
  const { app, get } = await buildAdmin(t)
  await app.apiKeys.profiles.create(' ann')
  t.equal((await get('/keys/admin/user?id=+ann')).statusCode, 200)
  t.match(await get('/keys/admin/user?id=+bob++'), { statusCode: 302, headers: { location: '/keys/admin/user?id=bob' } })
  t.equal((await get('/keys/admin/user?id=++')).statusCode, 404)
})

test('of a user whose profile was deleted, keys and history are still there', async (t) => {
  const { app, get } = await buildAdmin(t)
  await app.apiKeys.create('ann', { name: 'Laptop' })
  await app.apiKeys.profiles.delete('ann', { actor: 'boss' })
  const page = await get('/keys/admin/user?id=ann&keys=ended')
  t.equal(page.statusCode, 404)
  t.match(textOf(page), /This user has no profile.*Laptop.*Revoked.*Profile deleted by boss/)
})
