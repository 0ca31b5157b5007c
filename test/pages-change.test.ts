import Database from 'better-sqlite3'
import { test } from 'tap'
import { DAY, HOUR } from './helpers/app.js'
import { attribute, buildPages, NOW, secretOf, textOf, type PagesApp } from './helpers/pages.js'

const SCOPES = { read: 'Read', write: 'Write', manage: 'Manage' }

/** What the form for changing a key would send as it stands. */
function formOf ({ body }: { body: string }): URLSearchParams {
  const value = (pattern: RegExp) => pattern.exec(body)?.[1] ?? ''
  const fields = new URLSearchParams({
    name: value(/id="ak-name" name="name" value="([^"]*)"/), expiry: value(/<option value="([^"]*)" selected[ >]/), date: '', addresses: value(/>\n([^<]*)<\/textarea>/)
  })
  for (const [, scope = ''] of body.matchAll(/name="scopes" value="([^"]*)" checked/g)) fields.append('scopes', scope)
  return fields
}

const send = ({ post }: PagesApp, url: string, fields: URLSearchParams, changes: Record<string, string> = {}) => {
  for (const [name, value] of Object.entries(changes)) fields.set(name, value)
  return post(url, fields.toString())
}

test('the form shows a key as it is, and saving it as it is changes nothing', async (t) => {
  const pages = await buildPages(t, { scopes: SCOPES })
  const { app, get } = pages
  const { id } = await app.apiKeys.create('ann', { name: 'k', scopes: ['read', 'manage'], allowedIps: ['::1', '192.0.2.1'], expiresIn: '30d' })
  await app.apiKeys.profiles.update('ann', { scopes: ['read', 'write'] })
  const before = await app.apiKeys.get(id)
  const page = await get(`/keys/${id}/edit`)
  t.match(textOf(page), 'As it is (13 Apr 2026) In 30 days')
  const form = formOf(page)
  t.equal(form.toString(), 'name=k&expiry=keep&date=&addresses=%3A%3A1%0A192.0.2.1&scopes=read')
  const answer = await send(pages, `/keys/${id}/edit`, form)
  t.equal(answer.headers.location, `/keys/${id}?done=changed`)
  t.same(await app.apiKeys.get(id), before, 'also not a scope that is not allowed any more and so not shown')
  t.equal((await app.apiKeys.history({ keyId: id })).entries.length, 1)
  t.notMatch(textOf(await get(`/keys/${id}?done=changed`)), 'The changes are saved.', 'what was not done is not told')
})

test('name, expiry, scopes and addresses can be changed, and the page says that they are', async (t) => {
  const pages = await buildPages(t, { scopes: SCOPES })
  const { app, get } = pages
  const by: unknown[] = []
  app.apiKeys.on('apiKeyUpdated', ({ actor, ip }) => { by.push([actor, ip]) })
  const { id } = await app.apiKeys.create('ann', { name: 'k', scopes: ['read'] })
  const url = `/keys/${id}/edit`
  const answer = await send(pages, url, formOf(await get(url)), { name: 'new', expiry: '60d', scopes: 'write', addresses: '192.0.2.1' })
  t.equal(answer.statusCode, 303)
  t.match(await app.apiKeys.get(id), { name: 'new', scopes: ['write'], allowedIps: ['192.0.2.1'], expiresAt: new Date(NOW + 60 * DAY) })
  t.same(by, [['ann', '127.0.0.1']])
  const page = await get(String(answer.headers.location))
  t.match(page.body, 'role="status" tabindex="-1" autofocus>The changes are saved.')
  await send(pages, url, formOf(await get(url)), { expiry: 'never', addresses: '' })
  t.match(await app.apiKeys.get(id), { scopes: ['write'], allowedIps: null, expiresAt: null })
  t.match(textOf(await get(url)), 'As it is (never)')
})

test('an expiry is extended as far as is allowed, counted from when the key was made', async (t) => {
  let now = NOW
  const pages = await buildPages(t, { now: () => now, expiry: { default: '30d', max: '60d' } })
  const { app, get } = pages
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const url = `/keys/${id}/edit`
  now += 10 * DAY
  const page = await get(url)
  t.same([...page.body.matchAll(/<option value="([^"]*)"/g)].map(([, value]) => value), ['keep', '30d', 'max', 'date'])
  t.match(textOf(page), 'At the latest on 13 May 2026. As it is (13 Apr 2026) In 30 days (23 Apr 2026) As late as allowed: in 50 days (13 May 2026)')
  for (const expiry of ['60d', 'never']) {
    const refused = await send(pages, url, formOf(page), { expiry })
    t.equal(refused.statusCode, 400)
    t.match(refused.body, '<title>Error: Edit API key</title>')
    t.match(textOf(refused), 'Choose an earlier time')
  }
  await send(pages, url, formOf(page), { expiry: 'max' })
  t.match(await app.apiKeys.get(id), { expiresAt: new Date(NOW + 60 * DAY) })
  t.same([...(await get(url)).body.matchAll(/<option value="([^"]*)"/g)].map(([, value]) => value), ['keep', '30d', 'date'], 'as late as allowed is as it is')
  await app.apiKeys.profiles.update('ann', { expiry: { default: '1d', max: '1d' } })
  const lowered = await get(url)
  t.same([...lowered.body.matchAll(/<option value="([^"]*)"/g)].map(([, value]) => value), ['keep'], 'a maximum that was lowered ends no key')
  t.equal((await send(pages, url, formOf(lowered), { name: 'renamed' })).statusCode, 303)
  t.match(await app.apiKeys.get(id), { name: 'renamed', expiresAt: new Date(NOW + 60 * DAY) })
})

test('mistakes in the form are told at their fields, and nothing is changed', async (t) => {
  const pages = await buildPages(t, { scopes: SCOPES })
  const { app, get, post } = pages
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const url = `/keys/${id}/edit`
  const page = await send(pages, url, formOf(await get(url)), { name: '', addresses: 'x' })
  t.equal(page.statusCode, 400)
  t.match(page.body, /<input id="ak-name"[^>]* aria-invalid="true" autofocus>/)
  t.match(page.body, 'id="ak-addresses-error"')
  t.equal((await post(url, 'name=a&name=b')).statusCode, 400)
  t.equal((await post(url, { name: 'x', action: 'Cancel' })).headers.location, `/keys/${id}`)
  t.match(await app.apiKeys.get(id), { name: 'k' })
})

test('what is allowed may change while the form is open', async (t) => {
  const database = new Database(':memory:')
  t.after(() => database.close())
  const groups: Record<string, object> = { g: {} }
  const pages = await buildPages(t, { database, scopes: SCOPES, groups })
  const { app, get } = pages
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const url = `/keys/${id}/edit`
  const update = app.apiKeys.update.bind(app.apiKeys)
  for (const [change, status, told] of [
    [() => app.apiKeys.profiles.update('ann', { scopes: ['read'] }), 400, 'A scope that was chosen may not be given.'],
    [async () => database.exec("UPDATE api_key_profiles SET group_name = 'gone'"), 403, 'Scopes and expiry cannot be changed at the moment. Nothing was saved.']
  ] as const) {
    const form = formOf(await get(url))
    app.apiKeys.update = async (...args) => {
      await change()
      return await update(...args)
    }
    const page = await send(pages, url, form, { scopes: 'write' })
    t.equal(page.statusCode, status)
    t.match(textOf(page), told)
    await app.apiKeys.profiles.update('ann', { scopes: null })
  }
  app.apiKeys.update = async () => { throw new Error('a defect') }
  t.equal((await send(pages, url, new URLSearchParams({ name: 'x' }))).statusCode, 500)
  const find = app.apiKeys.get.bind(app.apiKeys)
  app.apiKeys.get = async (keyId) => {
    const key = await find(keyId)
    database.exec('UPDATE api_key_profiles SET deleted_at = 1')
    return key
  }
  t.equal((await get(url)).statusCode, 404, 'a profile that SQL marks as deleted between the look at the key and that at the profile')
  t.equal((await get(url)).statusCode, 409, 'and before both')
  t.match(await app.apiKeys.get(id), { name: 'k', scopes: [] })
})

test('a form for a key that meanwhile ended gets a page that says so', async (t) => {
  const { app, get, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  const find = app.apiKeys.get.bind(app.apiKeys)
  // Revoked between the look at the key and the change, and then before both.
  app.apiKeys.get = async (keyId) => {
    const key = await find(keyId)
    await app.apiKeys.revoke(id)
    return key === null ? null : { ...key, state: 'active' }
  }
  const send = async () => {
    for (const [path, fields] of [['edit', { name: 'x' }], ['rotate', { overlap: '0' }], ['enable', {}], ['disable', {}]] as const) {
      const page = await post(`/keys/${id}/${path}`, fields)
      t.equal(page.statusCode, 409, path)
      t.match(textOf(page), 'This key has ended It was revoked or has expired, and cannot be changed any more. Nothing was changed. Back to the key')
      t.match(page.body, `href="/keys/${id}"`)
    }
  }
  await send()
  app.apiKeys.get = find
  await send()
  for (const path of ['edit', 'rotate']) t.equal((await get(`/keys/${id}/${path}`)).statusCode, 409)
  t.match(await app.apiKeys.get(id), { name: 'k', rotatedAt: null })
})

test('a key can be switched off and on', async (t) => {
  const { app, get, post } = await buildPages(t)
  const { id, key } = await app.apiKeys.create('ann', { name: 'k' })
  t.match((await get(`/keys/${id}`)).body, `<form method="post" action="/keys/${id}/disable">`)
  const off = await post(`/keys/${id}/disable`, {})
  t.equal(off.headers.location, `/keys/${id}?done=disabled`)
  await t.rejects(app.apiKeys.verify(key), { code: 'FST_API_KEY_DISABLED' })
  t.equal((await post(`/keys/${id}/disable`, {})).statusCode, 303, 'again is harmless')
  const page = await get(String(off.headers.location))
  t.match(textOf(page), 'The key is disabled. Requests with it are refused until you enable it. k Disabled')
  t.notMatch(textOf(await get(`/keys/${id}?done=enabled`)), 'The key is enabled.')
  const on = await post(`/keys/${id}/enable`, {})
  t.match(textOf(await get(String(on.headers.location))), 'The key is enabled. Requests with it are accepted again. k Active')
  t.notMatch(textOf(await get(`/keys/${id}?done=disabled`)), 'The key is disabled.')
  t.notMatch(textOf(await get(`/keys/${id}?done=else`)), 'Requests with it')
  t.match(await app.apiKeys.verify(key), { keyId: id })
})

test('a rotation asks how long the old secret shall work, and shows the new one this once', async (t) => {
  let now = NOW
  const { app, get, post } = await buildPages(t, { now: () => now })
  const { id, key: old } = await app.apiKeys.create('ann', { name: 'k' })
  const form = await get(`/keys/${id}/rotate`)
  t.match(textOf(form), 'Rotate “k”? The key gets a new secret, which you will see once.')
  t.match(textOf(form), 'Not at all: it ends at once For 1 hour For 1 day For 7 days Rotate this key Cancel')
  t.match(form.body, 'value="24h" checked>')
  const rotated = attribute(form, /<input type="hidden" name="rotated"[^>]*>/, 'value') ?? 'none'
  const page = await post(`/keys/${id}/rotate`, { overlap: '1h', rotated, action: 'Rotate' })
  t.equal(page.statusCode, 200)
  t.match(textOf(page), 'The new secret The key “k” has a new secret, which works from now on. The old one still works, and ends in 1 hour .')
  t.match(page.body, `<a class="ak-button" href="/keys/${id}">I have copied it</a>`)
  const secret = secretOf(page)
  t.match(textOf(page), `curl -H 'X-Api-Authorization: ${secret}'`)
  for (const working of [secret, old]) t.match(await app.apiKeys.verify(working), { keyId: id })
  t.notMatch((await get(`/keys/${id}`)).body, secret)
  t.match(textOf(await get(`/keys/${id}/rotate`)), 'A secret from before still works, and ends in 1 hour . When you rotate again, it ends at once.')
  now += HOUR
  await t.rejects(app.apiKeys.verify(old), { code: 'FST_API_KEY_ROTATED' })
  t.match(await app.apiKeys.verify(secret), { keyId: id })
})

test('a rotation that is sent twice ends no secret that was shown', async (t) => {
  let now = NOW
  const { app, get, post } = await buildPages(t, { now: () => now })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  for (let round = 0; round < 2; round++) {
    now += 1
    const rotated = attribute(await get(`/keys/${id}/rotate`), /<input type="hidden" name="rotated"[^>]*>/, 'value') ?? 'none'
    const [first, second] = await Promise.all([post(`/keys/${id}/rotate`, { overlap: '0', rotated }), post(`/keys/${id}/rotate`, { overlap: '0', rotated })])
    const [shown, told] = first?.statusCode === 200 ? [first, second] : [second, first]
    t.equal(shown?.statusCode, 200)
    t.equal(told?.statusCode, 409)
    t.match(textOf(told as typeof first), 'This key has another secret by now The form was sent twice, or the key was rotated elsewhere, so nothing was changed.')
    t.match(textOf(shown as typeof first), 'The old one does not work any more.')
    t.match(await app.apiKeys.verify(secretOf(shown as typeof first)), { keyId: id })
    now += 1
  }
  for (const rotated of ['x', '1.5', '99999999999999999999']) t.equal((await post(`/keys/${id}/rotate`, { overlap: '0', rotated })).statusCode, 409, rotated)
  t.equal((await post(`/keys/${id}/rotate`, '')).statusCode, 200, 'without the field it rotates each time, at once')
})

test('only overlaps that end before the key can be chosen', async (t) => {
  let now = NOW
  const { app, get, post } = await buildPages(t, { now: () => now })
  const { id } = await app.apiKeys.create('ann', { name: 'k', expiresIn: '2d' })
  const offered = async () => [...(await get(`/keys/${id}/rotate`)).body.matchAll(/name="overlap" value="(\w+)"( checked)?/g)].map(([, value, checked]) => `${value}${checked ?? ''}`)
  t.same(await offered(), ['0', '1h', '24h checked'])
  now += DAY + 1
  t.same(await offered(), ['0', '1h checked'])
  now += DAY - HOUR
  t.same(await offered(), ['0 checked'])
  const late = await post(`/keys/${id}/rotate`, { overlap: '1h', rotated: '' })
  t.equal(late.statusCode, 400)
  t.match(textOf(late), 'Choose a shorter time: the key itself expires before.')
  t.match(late.body, /<fieldset [^>]*aria-describedby="ak-overlap-hint ak-overlap-error"/)
  t.match(late.body, 'value="0" checked autofocus>')
  const unknown = await post(`/keys/${id}/rotate`, { overlap: '2h' })
  t.match(textOf(unknown), 'Choose one of these.')
  t.match(unknown.body, '<title>Error: Rotate API key</title>')
  t.equal((await post(`/keys/${id}/rotate`, { action: 'cancel' })).headers.location, `/keys/${id}`)
  t.match(await app.apiKeys.get(id), { rotatedAt: null })
})

test('an administrator changes the keys of others by these pages, and goes back to them', async (t) => {
  const { app, get, post } = await buildPages(t, { scopes: SCOPES, getUser: () => ({ id: 'root', admin: true }) })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  for (const path of ['', '/edit', '/rotate']) {
    const page = await get(`/keys/${id}${path}`)
    t.match(textOf(page), 'This key belongs to ann.')
    t.match(page.body, '<a href="/keys/admin/user?id=ann"><span')
  }
  await post(`/keys/${id}/edit`, { name: 'renamed' })
  await post(`/keys/${id}/disable`, {})
  await post(`/keys/${id}/enable`, {})
  const rotated = await post(`/keys/${id}/rotate`, { overlap: '0' })
  t.match(textOf(rotated), 'This key belongs to ann.')
  t.match(textOf(await get(`/keys/${id}`)), 'Rotated by you')
  const { entries } = await app.apiKeys.history({ keyId: id })
  t.same(entries.map(({ action, actor }) => [action, actor]), [['apiKeyRotated', 'root'], ['apiKeyUpdated', 'root'], ['apiKeyUpdated', 'root'], ['apiKeyUpdated', 'root'], ['apiKeyCreated', null]])
})

test('forms sent after the session ended change nothing, and lead back to a page', async (t) => {
  const { app, post } = await buildPages(t, { pages: { loginUrl: '/in' } })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  for (const [path, back, told] of [
    ['edit', '/edit?name=x&expiry=&date=&scopes=&addresses=', 'what you entered will be there'], ['rotate', '/rotate?overlap=0', 'what you entered will be there'],
    ['disable', '', 'then repeat what you did'], ['enable', '', 'then repeat what you did']
  ] as const) {
    const page = await post(`/keys/${id}/${path}`, { name: 'x', overlap: '0' }, null)
    t.equal(page.statusCode, 401)
    t.match(textOf(page), 'Nothing was changed. Sign in again')
    t.match(textOf(page), told)
    t.match(page.body, `href="/in?next=${encodeURIComponent(`/keys/${id}${back}`)}"`)
  }
  t.match(await app.apiKeys.get(id), { name: 'k', state: 'active', rotatedAt: null })
})

test('forms from other sites change nothing', async (t) => {
  const { app, post } = await buildPages(t)
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  for (const path of ['edit', 'rotate', 'disable', 'enable']) t.equal((await post(`/keys/${id}/${path}`, { name: 'x' }, 'ann', { 'sec-fetch-site': 'cross-site' })).statusCode, 403)
  t.match(await app.apiKeys.get(id), { name: 'k', state: 'active', rotatedAt: null })
})

test('a key that is older than keys may become by now is neither rotated nor enabled, nor is one whose group is not known', async (t) => {
  let now = NOW
  const database = new Database(':memory:')
  t.after(() => database.close())
  const { app, get, post } = await buildPages(t, { now: () => now, database })
  const { id } = await app.apiKeys.create('ann', { name: 'k' })
  await app.apiKeys.update(id, { enabled: false })
  await app.apiKeys.profiles.update('ann', { expiry: { max: '10d' } })
  now += 11 * DAY
  const send = async (told: string) => {
    for (const path of ['rotate', 'enable']) {
      const page = await post(`/keys/${id}/${path}`, { overlap: '0' })
      t.equal(page.statusCode, 409, path)
      t.match(textOf(page), told)
      t.match(page.body, `href="/keys/${id}"`)
    }
    t.equal((await get(`/keys/${id}`)).statusCode, 200)
  }
  await send('This key is too old Keys may not live that long any more, so it cannot be rotated or enabled. Nothing was changed.')
  database.exec("UPDATE api_key_profiles SET group_name = 'gone'")
  await send('This is not possible at the moment Nothing was changed.')
  t.match(await app.apiKeys.get(id), { state: 'disabled', rotatedAt: null })
})
