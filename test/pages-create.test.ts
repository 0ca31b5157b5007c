import { test } from 'tap'
import { attribute, buildPages, secretOf, textOf } from './helpers/pages.js'

const nonceOf = (response: Awaited<ReturnType<Awaited<ReturnType<typeof buildPages>>['get']>>) =>
  attribute(response, /<input type="hidden" name="nonce"[^>]*>/, 'value') ?? ''

test('a form with a name makes a key and shows its secret, this once', async (t) => {
  const { app, get, post } = await buildPages(t)
  app.get('/me', (request) => request.apiUser)
  const page = await post('/keys', { name: '  backup server ' })
  t.equal(page.statusCode, 200)
  t.equal(page.headers['cache-control'], 'no-store')
  t.match(textOf(page), 'The key “backup server” works from now on.')
  const secret = secretOf(page)
  t.match(secret, /^ak_[0-9A-Za-z]{38}$/)
  const call = await app.inject({ url: '/me', headers: { 'x-api-authorization': secret } })
  t.match(call.json(), { id: 'ann', keyName: 'backup server' })
  t.notMatch((await get('/keys')).body, secret)
})

test('the secret is in a field that can be read and selected, its copy button waits for the script', async (t) => {
  const { post } = await buildPages(t)
  const page = await post('/keys', { name: 'k' })
  t.match(page.body, /<label for="ak-secret">/)
  t.match(page.body, /<textarea id="ak-secret"[^>]* readonly rows="2" [^>]*autofocus>/)
  t.match(page.body, /<button [^>]*data-ak-copy="ak-secret" hidden>Copy</)
})

test('the key belongs to whom getUser names, whatever the form says', async (t) => {
  const events: unknown[] = []
  const { app, post } = await buildPages(t, { getUser: () => ({ id: 'ann', owner: 'acme' }) })
  app.apiKeys.on('apiKeyCreated', ({ key, actor, ip }) => { events.push([key.userId, actor, ip]) })
  await post('/keys', { name: 'k', userId: 'bob', owner: 'bob', id: 'bob' })
  t.same(events, [['acme', 'ann', '127.0.0.1']])
  t.same(await app.apiKeys.list('bob'), [])
})

test('a command to try the key names a route that takes keys', async (t) => {
  const { app, post } = await buildPages(t)
  app.get('/open', { config: { apiKey: false } }, () => '')
  app.get('/of/:id', () => '')
  app.get('/files/*', () => '')
  app.post('/make', () => '')
  const schema: object = { hide: true }
  app.get('/hidden', { schema }, () => '')
  app.get('/v1/photos', () => '')
  app.get('/v1/later', () => '')
  const page = await post('/keys', { name: 'k' }, 'ann', { host: 'api.example.com' })
  t.match(textOf(page), `curl -H 'X-Api-Authorization: ${secretOf(page)}' http://api.example.com/v1/photos`)
})

test('the command names the first header, and Bearer with Authorization', async (t) => {
  const { app, get, post } = await buildPages(t, { header: ['Authorization', 'X-Key'] })
  app.get('/it', { schema: {} }, () => '')
  const page = await post('/keys', { name: 'k' }, 'ann', { host: 'h' })
  t.match(textOf(page), `curl -H 'Authorization: Bearer ${secretOf(page)}' http://h/it`)
  t.match(textOf(await get('/keys')), 'They are sent in the header Authorization.')
})

test('of the command only what a shell could take for something else is quoted', async (t) => {
  const { app, post } = await buildPages(t)
  app.get('/a&b', () => '')
  t.match(textOf(await post('/keys', { name: 'k' }, 'ann', { host: 'h' })), /curl -H 'X-Api-Authorization: \w+' 'http:\/\/h\/a&b'/)
})

test('without a fitting route the command asks for the root, and no quote breaks out of it', async (t) => {
  const { post } = await buildPages(t, { header: "X-It's" })
  const page = await post('/keys', { name: 'k' }, 'ann', { host: 'h' })
  t.match(textOf(page), `curl -H 'X-It'\\''s: ${secretOf(page)}' http://h/`)
})

test('the command uses a route whose scopes the key has, and says what is missing where there is none', async (t) => {
  const shown = async (hasOpen: boolean, ...scopes: string[]) => {
    const { app, post } = await buildPages(t, { scopes: { read: 'See photos', write: 'Change photos' } })
    app.get('/all', { config: { apiKey: { scopes: ['read', 'write'] } } }, async () => 'all')
    app.get('/read', { config: { apiKey: { scopes: ['read'] } } }, async () => 'read')
    if (hasOpen) app.get('/me', async () => 'me')
    const fields = new URLSearchParams({ name: 'k' })
    for (const scope of scopes) fields.append('scopes', scope)
    return textOf(await post('/keys', fields.toString(), 'ann', { host: 'h' }))
  }
  t.match(await shown(false, 'read'), / http:\/\/h\/read Copy/)
  t.match(await shown(false, 'read', 'write'), / http:\/\/h\/all Copy/)
  t.match(await shown(false), / http:\/\/h\/all It will be refused: that route needs scopes that this key does not have: read, write\. Copy/)
  t.match(await shown(true), / http:\/\/h\/me Copy/)
})

test('a wrong name is told at the field, which keeps what was entered and has the focus', async (t) => {
  const { app, post } = await buildPages(t)
  for (const [name, told] of [
    ['', 'Enter a name'], ['   ', 'Enter a name'], ['x'.repeat(101), 'Use at most 100 characters; these are 101.'], ['a\u0007b', 'Use letters, digits']
  ] as const) {
    const page = await post('/keys', { name })
    t.equal(page.statusCode, 400)
    t.match(page.body, /<title>Error: API keys<\/title>/)
    t.match(page.body, /<input id="ak-name"[^>]* aria-describedby="ak-name-hint ak-name-error" aria-invalid="true" autofocus>/)
    t.match(page.body, /<p class="ak-field-error" id="ak-name-error">/)
    t.match(textOf(page), told)
    t.equal(attribute(page, /<input id="ak-name"[^>]*>/, 'value'), name.trim())
  }
  t.same(await app.apiKeys.list('ann'), [])
  const good = await post('/keys', { name: 'x'.repeat(100) })
  t.equal(good.statusCode, 200)
})

test('a form without the field name is an empty name', async (t) => {
  const { app, post } = await buildPages(t)
  t.match(textOf(await post('/keys', '')), 'Enter a name')
  const bare = await app.inject({ method: 'POST', url: '/keys', headers: { user: 'ann' } })
  t.equal(bare.statusCode, 400)
  t.match(textOf(bare), 'Enter a name')
})

test('the field has no error before anything is entered', async (t) => {
  const { get } = await buildPages(t)
  t.match((await get('/keys')).body, /<input id="ak-name" name="name" value="" required maxlength="100" dir="auto" autocomplete="off" aria-describedby="ak-name-hint">/)
})

test('a form that is sent twice makes one key and says that it was shown', async (t) => {
  const { app, get, post } = await buildPages(t)
  const list = await get('/keys')
  const nonce = nonceOf(list)
  t.match(nonce, /^[\w-]{24}$/)
  t.not(nonceOf(await get('/keys')), nonce)
  const first = await post('/keys', { name: 'k', nonce })
  const second = await post('/keys', { name: 'k', nonce })
  t.equal(first.statusCode, 200)
  t.equal(second.statusCode, 409)
  t.match(textOf(second), 'This key was already made')
  t.match(textOf(second), 'Its secret was shown the first time and cannot be shown again.')
  t.notMatch(second.body, secretOf(first))
  t.match(second.body, '<a class="ak-button ak-primary" href="/keys">Back to your keys</a>')
  t.equal((await app.apiKeys.list('ann')).length, 1)
})

test('a form without a nonce makes a key each time', async (t) => {
  const { app, post } = await buildPages(t)
  await post('/keys', { name: 'k' })
  await post('/keys', { name: 'k' })
  t.equal((await app.apiKeys.list('ann')).length, 2)
})

test('a form sent past the limit makes nothing and says so', async (t) => {
  const { app, post } = await buildPages(t, { maxKeys: 1 })
  await post('/keys', { name: 'first' })
  const page = await post('/keys', { name: 'second' })
  t.equal(page.statusCode, 409)
  t.match(page.body, 'role="alert" tabindex="-1" autofocus>No key was made.<')
  t.match(textOf(page), 'You hold the 1 API key that you may have.')
  t.notMatch(textOf(page), 'You may make 0 more')
  t.equal((await app.apiKeys.list('ann')).length, 1)
  await app.apiKeys.revokeAll('ann')
  t.equal((await post('/keys', { name: 'second', nonce: nonceOf(page) })).statusCode, 200, 'and can be sent from there when there is room')
})

test('a form of somebody who may not make keys is refused', async (t) => {
  const { app, post } = await buildPages(t)
  await app.apiKeys.profiles.create('ann', { canMakeKeys: false })
  const page = await post('/keys', { name: 'k' })
  t.equal(page.statusCode, 403)
  t.match(textOf(page), 'No key was made.')
  t.match(textOf(page), 'You may not make API keys.')
})

test('what was entered is shown again whatever keeps the key from being made', async (t) => {
  const { app, get, post } = await buildPages(t, { maxKeys: 0, scopes: { read: 'Read', write: 'Write' } })
  const fields = 'name=night+job&expiry=date&date=2026-12-24&scopes=write&addresses=192.0.2.1%0A%3A%3A1'
  for (const [status, told] of [[409, 'You may hold no API keys.'], [403, 'You may not make API keys.']] as const) {
    for (const page of [await post('/keys', fields), await get(`/keys?${fields}`)]) {
      if (page.statusCode !== 200) t.equal(page.statusCode, status)
      t.match(textOf(page), told)
      t.match(page.body, 'name="name" value="night job"')
      t.match(page.body, '<option value="date" selected')
      t.match(page.body, 'type="date" value="2026-12-24"')
      t.match(page.body, 'name="scopes" value="write" checked')
      t.match(page.body, '\n192.0.2.1\n::1</textarea>')
    }
    t.notMatch((await get('/keys')).body, 'id="ak-name"', 'with nothing entered there is no form')
    await app.apiKeys.profiles.update('ann', { canMakeKeys: false })
  }
})

test('a field that was sent twice, or a nonce of the wrong size, is refused', async (t) => {
  const { app, post } = await buildPages(t)
  for (const body of ['name=a&name=b', 'name=a&nonce=1&nonce=2', 'name=a&nonce=short', `name=a&nonce=${'x'.repeat(101)}`]) {
    const page = await post('/keys', body)
    t.equal(page.statusCode, 400, body)
    t.match(textOf(page), 'The form could not be read Nothing was changed.')
  }
  t.same(await app.apiKeys.list('ann'), [])
})

test('fields with names of JavaScript are fields like others', async (t) => {
  const { post } = await buildPages(t)
  t.equal((await post('/keys', '__proto__=x&constructor=y&toString=z&name=k')).statusCode, 200)
})
